/*
 * zones: the three Availability Zones of the Region.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "base/text.h"

void ec2_zone_name(const struct ec2 *ec2, unsigned index, char out[32])
{
	assert(index < EC2_ZONES);
	snprintf(out, 32, "%.28s%c", ec2->options.region, (char)('a' + index));
}

/* "us-east-1" is "use1", "ap-northeast-1" is "apne1". */
void ec2_zone_id(const struct ec2 *ec2, unsigned index, char out[32])
{
	static const char *const halves[] = { "east", "west" };
	struct bytes rest = bytes_of(ec2->options.region), part;
	struct text id = TEXT_INIT(31);
	bool first = true;

	assert(index < EC2_ZONES);
	while (bytes_cut(&rest, '-', &part)) {
		if (first)
			text_add(&id, part);
		else if (part.len)
			text_add_char(&id, part.at[0]);
		for (size_t i = 0; i < COUNT(halves); i++)
			if (part.len > 4 && bytes_ends(part, bytes_of(halves[i])))
				text_add_char(&id, halves[i][0]);
		first = false;
	}
	text_printf(&id, "-az%u", index + 1);
	snprintf(out, 32, "%s", text_str(&id));
	text_fini(&id);
}

static json_t *zone_json(const struct ec2 *ec2, unsigned index)
{
	const char *region = ec2->options.region;
	char name[32], id[32];

	ec2_zone_name(ec2, index, name);
	ec2_zone_id(ec2, index, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:[]}", "ZoneName", name,
			 "ZoneId", id, "State", "available", "OptInStatus", "opt-in-not-required",
			 "RegionName", region, "GroupName", region, "NetworkBorderGroup", region,
			 "ZoneType", "availability-zone", "Messages");
}

/* Whether one of `names` is the zone's; each that is gets counted. */
static bool asked_for(const json_t *names, const json_t *zone, const char *field, size_t *found)
{
	const json_t *name;
	size_t index;

	json_array_foreach (names, index, name) {
		if (json_equal(name, json_object_get(zone, field))) {
			++*found;
			return true;
		}
	}
	return json_array_size(names) == 0;
}

err_t ec2_describe_availability_zones(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "zone-name", "ZoneName" },
		{ "zone-id", "ZoneId" },
		{ "state", "State" },
		{ "region-name", "RegionName" },
		{ "group-name", "GroupName" },
		{ "opt-in-status", "OptInStatus" },
		{ "zone-type", "ZoneType" },
		{ "network-border-group", "NetworkBorderGroup" },
		{ NULL, NULL },
	};
	const json_t *names = json_object_get(call->input, "ZoneNames");
	const json_t *ids = json_object_get(call->input, "ZoneIds");
	json_t *zones = json_array();
	size_t found = 0;

	if (!zones || json_object_set_new(call->output, "AvailabilityZones", zones))
		return ERR_NOMEM;
	for (unsigned i = 0; i < EC2_ZONES; i++) {
		json_t *zone = zone_json(ec2_of(call), i);
		bool match;

		if (!zone || json_array_append_new(zones, zone))
			return ERR_NOMEM;
		TRY(ec2_filters_match(call, filters, zone, &match));
		match = asked_for(names, zone, "ZoneName", &found) && match;
		match = asked_for(ids, zone, "ZoneId", &found) && match;
		if (!match)
			json_array_remove(zones, json_array_size(zones) - 1);
	}
	if (found < json_array_size(names) + json_array_size(ids))
		return api_fault(
			call, "InvalidParameterValue", "Invalid availability zone: [%s]",
			json_string_value(json_array_get(json_array_size(names) ? names : ids, 0)));
	return ERR_OK;
}
