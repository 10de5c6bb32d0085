/*
 * launcher: `bootstrap` of a package. Linked statically, so that it starts anywhere, it starts the
 * function with the loader and the libraries that lie beside it: those it was built with, newer
 * perhaps than the C library (2.34) of Amazon Linux 2023.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void)
{
	const char *root = getenv("LAMBDA_TASK_ROOT");
	char loader[4096], libraries[4096], function[4096];
	char name[] = "ld.so", option[] = "--library-path";
	char *arguments[] = { name, option, libraries, function, NULL };

	if (!root)
		root = "/var/task";
	snprintf(loader, sizeof loader, "%s/deps/ld.so", root);
	snprintf(libraries, sizeof libraries, "%s/deps", root);
	snprintf(function, sizeof function, "%s/function", root);
	unsetenv("LD_LIBRARY_PATH"); /* its own are enough, and are these */
	execv(loader, arguments);
	perror(loader);
	return 1;
}
