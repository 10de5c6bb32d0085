/*
 * sockaddr: addresses to and from the kernel's form, and its error numbers to ours.
 */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <sys/socket.h>

#include "net/address.h"

socklen_t address_to_kernel(const struct address *address, struct sockaddr_storage *out);

/* IPv4 mapped into IPv6 comes out as IPv4; an unknown family as "none". */
void address_from_kernel(const struct sockaddr_storage *in, struct address *ret_address);

/* Of connect, bind, send, recv and SO_ERROR. `number` is not 0. */
err_t err_from_errno(int number);

#endif
