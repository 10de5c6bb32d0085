#include "net/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>

socklen_t address_to_kernel(const struct address *address, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof *out);
	if (address->family == 6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(address->port);
		memcpy(&v6->sin6_addr, address->ip, sizeof v6->sin6_addr);
		return sizeof *v6;
	}
	assert(address->family == 4);
	v4->sin_family = AF_INET;
	v4->sin_port = htons(address->port);
	memcpy(&v4->sin_addr, address->ip, sizeof v4->sin_addr);
	return sizeof *v4;
}

void address_from_kernel(const struct sockaddr_storage *in, struct address *ret_address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;
	struct address address = { .family = 0 };

	if (in->ss_family == AF_INET) {
		address.family = 4;
		address.port = ntohs(v4->sin_port);
		memcpy(address.ip, &v4->sin_addr, sizeof v4->sin_addr);
	} else if (in->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		address.family = 4;
		address.port = ntohs(v6->sin6_port);
		memcpy(address.ip, v6->sin6_addr.s6_addr + 12, 4);
	} else if (in->ss_family == AF_INET6) {
		address.family = 6;
		address.port = ntohs(v6->sin6_port);
		memcpy(address.ip, &v6->sin6_addr, sizeof v6->sin6_addr);
	}
	*ret_address = address;
}

err_t err_from_errno(int number)
{
	switch (number) {
	case ENOMEM:
	case ENOBUFS: return ERR_NOMEM;
	case EMFILE:
	case ENFILE: return ERR_LIMIT;
	case EADDRINUSE: return ERR_IN_USE;
	case EACCES:
	case EPERM: return ERR_DENIED;
	case ECONNREFUSED: return ERR_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE: return ERR_RESET; /* EPIPE: a reset that came after the peer's FIN */
	case ETIMEDOUT: return ERR_EXPIRED;
	case EADDRNOTAVAIL:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case EAFNOSUPPORT: return ERR_UNREACHABLE;
	default: return ERR_SYSTEM;
	}
}
