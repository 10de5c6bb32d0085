#include "api/wire.h"

static const struct api_member no_members[] = { API_END };

const struct api_shape api_shape_none = { .kind = API_STRUCTURE, .members = no_members };
const struct api_shape api_string = { .kind = API_STRING };
const struct api_shape api_integer = { .kind = API_INTEGER };
const struct api_shape api_boolean = { .kind = API_BOOLEAN };
const struct api_shape api_timestamp = { .kind = API_TIMESTAMP };
const struct api_shape api_double = { .kind = API_DOUBLE };
const struct api_shape api_blob = { .kind = API_BLOB };

void wire_ec2_name(const struct api_member *member, bool capital, char out[WIRE_NAME_BYTES])
{
	const char *name = member->wire ? member->wire : member->name;
	size_t len = strlen(name);

	assert(len < WIRE_NAME_BYTES);
	memcpy(out, name, len + 1);
	if (capital && out[0] >= 'a' && out[0] <= 'z')
		out[0] = (char)(out[0] & ~0x20);
	else if (!capital && !member->wire)
		out[0] = ascii_lower(out[0]);
}
