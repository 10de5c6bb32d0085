/*
 * weir-pause: the program of a container that holds a task's network and does nothing else. Linked
 * without libraries, since it is all there is in its image.
 */
#include <signal.h>
#include <unistd.h>

static void end(int number)
{
	(void)number;
	_exit(0);
}

/* The first process of a container is deaf to signals that it did not ask for. */
int main(void)
{
	signal(SIGTERM, end);
	for (;;)
		pause();
}
