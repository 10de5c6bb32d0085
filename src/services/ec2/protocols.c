/*
 * protocols: which protocol a rule of a security group is about, and which ports of it.
 */
#include "services/ec2/ec2_internal.h"

#include <strings.h>

static const struct protocol {
	const char *name, *number;
	bool ports; /* has a range of ports that must be there */
} protocols[] = {
	{ "tcp", "6", true },	   { "udp", "17", true },  { "icmp", "1", false },
	{ "icmpv6", "58", false }, { "-1", "all", false },
};

err_t ec2_protocol_of(struct api_call *call, const char *given, const char **ret_name,
		      bool *ret_ports)
{
	uint64_t number;

	if (!given)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter ipProtocol");
	for (size_t i = 0; i < COUNT(protocols); i++) {
		if (strcasecmp(given, protocols[i].name) != 0 &&
		    strcasecmp(given, protocols[i].number) != 0)
			continue;
		*ret_name = protocols[i].name;
		*ret_ports = protocols[i].ports;
		return ERR_OK;
	}
	*ret_name = given;
	*ret_ports = false;
	if (bytes_to_u64(bytes_of(given), 255, &number))
		return api_fault(call, "InvalidParameterValue",
				 "Invalid value '%s' for IP protocol. Unknown protocol.", given);
	return ERR_OK;
}

err_t ec2_ports_of(struct api_call *call, const json_t *from_input, bool wants_ports,
		   const char *protocol, int *ret_from, int *ret_to)
{
	const json_t *from = json_object_get(from_input, "FromPort");
	const json_t *to = json_object_get(from_input, "ToPort");
	bool icmp = strncmp(protocol, "icmp", 4) == 0;
	int most = icmp ? 255 : 65535; /* types and codes of ICMP */

	*ret_from = *ret_to = -1;
	if (!wants_ports && !icmp)
		return ERR_OK; /* what is said of them is ignored, as AWS does */
	if (wants_ports && (!from || !to))
		return api_fault(
			call, "InvalidParameterValue",
			"Invalid value 'Must specify both from and to ports with TCP/UDP.' "
			"for portRange.");
	if (from && json_integer_value(from) >= -1 && json_integer_value(from) <= most)
		*ret_from = (int)json_integer_value(from);
	else if (from)
		return api_fault(call, "InvalidParameterValue", "%s (%lld) out of range",
				 icmp ? "ICMP type" : "TCP/UDP port",
				 (long long)json_integer_value(from));
	if (to && json_integer_value(to) >= -1 && json_integer_value(to) <= most)
		*ret_to = (int)json_integer_value(to);
	else if (to)
		return api_fault(call, "InvalidParameterValue", "%s (%lld) out of range",
				 icmp ? "ICMP code" : "TCP/UDP port",
				 (long long)json_integer_value(to));
	if (!wants_ports)
		return ERR_OK;
	if (*ret_from == -1 && *ret_to == -1) {
		*ret_from = 0;
		*ret_to = 65535;
	}
	if (*ret_from < 0 || *ret_from > *ret_to)
		return api_fault(call, "InvalidParameterValue",
				 "Invalid TCP/UDP port range (%d:%d)", *ret_from, *ret_to);
	return ERR_OK;
}
