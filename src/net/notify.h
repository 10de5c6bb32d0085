/*
 * notify: tells systemd how the service is (sd_notify's protocol: a datagram to NOTIFY_SOCKET).
 */
#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

/* "READY=1", "STOPPING=1", "STATUS=…". Does nothing outside systemd; failures are of no interest.
 */
void notify_service(const char *state);

#endif
