#include "api/at.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

const json_t *json_at(const json_t *value, const char *path)
{
	struct bytes rest = bytes_of(path), part;

	while (value && bytes_cut(&rest, '.', &part)) {
		char name[128];

		if (part.len >= sizeof name)
			return NULL;
		snprintf(name, sizeof name, "%.*s", BYTES_ARG(part));
		value = json_is_array(value)
				? json_array_get(value, (size_t)strtoul(name, NULL, 10))
				: json_object_get(value, name);
	}
	return value;
}
