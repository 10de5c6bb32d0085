/*
 * capacity: reserved capacity units of load balancers (reference §12). One machine has what it has,
 * so nothing is held back for anyone; a reservation is kept, provisioned at once, and acts as AWS's
 * does on what one can see: ReservedLCUs, and CapacityUtilization against what is consumed.
 */
#include "services/elbv2/elbv2_internal.h"

enum { UNITS_MIN = 100, UNITS_MAX = 15000, DECREASES_A_DAY = 2 };
#define DAY_MS (24 * 3600 * 1000LL)

static int64_t today(struct api_call *call)
{
	return (int64_t)elbv2_now_ms(elbv2_of(call)) / DAY_MS;
}

/* How often it was decreased on this day (UTC). */
static int64_t decreases_of(struct api_call *call, const json_t *capacity)
{
	return get_int(capacity, "day", -1) == today(call) ? get_int(capacity, "decreases", 0) : 0;
}

static err_t present_zones(struct api_call *call, const json_t *body, int64_t units)
{
	const json_t *zones = json_object_get(api_part(body), "AvailabilityZones"), *zone;
	double each = (double)units / (double)json_array_size(zones);
	size_t index;

	TRY(set_new(call->output, "CapacityReservationState", json_array()));
	json_array_foreach (zones, index, zone)
		if (units)
			TRY(output_append(call->output, "CapacityReservationState",
					  json_pack("{s:{s:s}, s:s, s:f}", "State", "Code",
						    "provisioned", "AvailabilityZone",
						    get_string(zone, "ZoneName"),
						    "EffectiveCapacityUnits", each)));
	return ERR_OK;
}

static err_t present(struct api_call *call, const json_t *body)
{
	const json_t *capacity = json_object_get(body, "capacity");
	int64_t units = get_int(capacity, "units", 0);

	if (capacity)
		TRY(set_new(call->output, "LastModifiedTime",
			    json_integer(get_int(capacity, "modified_ms", 0))));
	if (units)
		TRY(set_new(call->output, "MinimumLoadBalancerCapacity",
			    json_pack("{s:I}", "CapacityUnits", (json_int_t)units)));
	TRY(set_new(call->output, "DecreaseRequestsRemaining",
		    json_integer(DECREASES_A_DAY - decreases_of(call, capacity))));
	return present_zones(call, body, units);
}

err_t elbv2_describe_capacity_reservation(struct api_call *call)
{
	json_t *body;

	TRY(resource_get(call, RESOURCE_LOAD_BALANCER, get_string(call->input, "LoadBalancerArn"),
			 &body));
	return present(call, body);
}

static err_t check_units(struct api_call *call, int64_t units)
{
	if (units < UNITS_MIN)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"The minimum load balancer capacity must be at least '%d' capacity "
			"units",
			UNITS_MIN);
	if (units > UNITS_MAX)
		return api_fault(call, "CapacityUnitsLimitExceeded",
				 "A load balancer can reserve at most '%d' capacity units",
				 UNITS_MAX);
	return ERR_OK;
}

static err_t reserve(struct api_call *call, json_t *body, int64_t units)
{
	const json_t *capacity = json_object_get(body, "capacity");
	int64_t decreases = decreases_of(call, capacity);

	if (units && units < get_int(capacity, "units", 0) && decreases++ == DECREASES_A_DAY)
		return api_fault(call, "CapacityDecreaseRequestsLimitExceeded",
				 "The capacity can be decreased at most '%d' times a day",
				 DECREASES_A_DAY);
	TRY(set_new(body, "capacity",
		    json_pack("{s:I, s:I, s:I, s:I}", "units", (json_int_t)units, "modified_ms",
			      (json_int_t)elbv2_now_ms(elbv2_of(call)), "day",
			      (json_int_t)today(call), "decreases", (json_int_t)decreases)));
	return record_put(call, KIND_LOAD_BALANCER, resource_arn(RESOURCE_LOAD_BALANCER, body), "",
			  body);
}

err_t elbv2_modify_capacity_reservation(struct api_call *call)
{
	const json_t *wanted = json_object_get(call->input, "MinimumLoadBalancerCapacity");
	bool reset = get_true(call->input, "ResetCapacityReservation");
	int64_t units = get_int(wanted, "CapacityUnits", 0);
	json_t *body;

	if ((wanted != NULL) == reset)
		return api_fault(call, "ValidationError",
				 "You must specify either a minimum load balancer capacity or "
				 "'ResetCapacityReservation'");
	if (wanted)
		TRY(check_units(call, units));
	TRY(resource_get(call, RESOURCE_LOAD_BALANCER, get_string(call->input, "LoadBalancerArn"),
			 &body));
	TRY(reserve(call, body, reset ? 0 : units));
	return present(call, body);
}
