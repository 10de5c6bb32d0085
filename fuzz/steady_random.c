/* Linked with --wrap=random_bytes: what is random in life is one byte here, so that an input that
 * failed fails again. */
#include <string.h>

void __wrap_random_bytes(void *out, size_t len); /* NOLINT: the linker's name for it */

void __wrap_random_bytes(void *out, size_t len)
{
	memset(out, 0x5a, len);
}
