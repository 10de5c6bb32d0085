#include "services/lambda/words.h"

#include <signal.h>
#include <stdio.h>

#include "base/when.h"

enum { MEBIBYTE = 1024 * 1024 };

static double ms_of(uint64_t us)
{
	return (double)us / 1000.0;
}

uint64_t words_billed_ms(const struct lambda_report *report)
{
	return (report->duration_us + report->init_us + 999) / 1000;
}

void words_start(struct text *out, const struct lambda_report *report)
{
	text_printf(out, "START RequestId: %s Version: %s", report->request_id, report->version);
}

void words_end(struct text *out, const struct lambda_report *report)
{
	text_printf(out, "END RequestId: %s", report->request_id);
}

void words_report(struct text *out, const struct lambda_report *report)
{
	text_printf(out,
		    "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %llu ms\t"
		    "Memory Size: %u MB\tMax Memory Used: %llu MB\t",
		    report->request_id, ms_of(report->duration_us),
		    (unsigned long long)words_billed_ms(report), report->memory_mib,
		    (unsigned long long)((report->memory_bytes + MEBIBYTE - 1) / MEBIBYTE));
	if (report->init_us)
		text_printf(out, "Init Duration: %.2f ms\t", ms_of(report->init_us));
	if (report->outcome == LAMBDA_TIMEOUT)
		text_add_str(out, "Status: timeout");
	else if (report->outcome > LAMBDA_ERROR)
		text_printf(out, "Status: error\tError Type: %s", words_error_type(report));
}

void words_init_report(struct text *out, const struct lambda_report *report, bool timed_out)
{
	text_printf(out, "INIT_REPORT Init Duration: %.2f ms\tPhase: init\tStatus: %s",
		    ms_of(report->init_us), timed_out ? "timeout" : "error");
	if (!timed_out)
		text_printf(out, "\tError Type: %s", words_error_type(report));
}

void words_timeout(struct text *out, const struct lambda_report *report, uint64_t unix_ms)
{
	char time[WHEN_ISO_BYTES + 1];

	when_iso_ms(unix_ms, time);
	text_printf(out, "%s %s Task timed out after %.2f seconds", time, report->request_id,
		    (double)report->timeout_ms / 1000.0);
}

const char *words_error_type(const struct lambda_report *report)
{
	switch (report->outcome) {
	case LAMBDA_TIMEOUT: return "Sandbox.Timedout";
	case LAMBDA_EXIT: return "Runtime.ExitError";
	case LAMBDA_ENTRY: return "Runtime.InvalidEntrypoint";
	case LAMBDA_SIZE: return "Function.ResponseSizeTooLarge";
	case LAMBDA_OK:
	case LAMBDA_ERROR: break;
	}
	return "Unhandled";
}

/* As Go prints signals, in which AWS's supervisor is written. */
static const char *signal_words(int number)
{
	switch (number) {
	case SIGABRT: return "aborted";
	case SIGBUS: return "bus error";
	case SIGFPE: return "floating point exception";
	case SIGHUP: return "hangup";
	case SIGILL: return "illegal instruction";
	case SIGINT: return "interrupt";
	case SIGKILL: return "killed";
	case SIGPIPE: return "broken pipe";
	case SIGQUIT: return "quit";
	case SIGSEGV: return "segmentation fault";
	case SIGTERM: return "terminated";
	case SIGTRAP: return "trace/breakpoint trap";
	default: return NULL;
	}
}

static void exit_words(struct text *out, const struct lambda_report *report)
{
	const char *words = signal_words(report->signal);

	if (words)
		text_printf(out, "Runtime exited with error: signal: %s", words);
	else if (report->signal)
		text_printf(out, "Runtime exited with error: signal: %d", report->signal);
	else if (report->code)
		text_printf(out, "Runtime exited with error: exit status %d", report->code);
	else
		text_add_str(out, "Runtime exited without providing a reason");
}

static void entry_words(struct text *out, err_t start)
{
	switch (start) {
	case ERR_NOT_FOUND:
		text_add_str(out, "Couldn't find valid bootstrap(s): [/var/task/bootstrap "
				  "/opt/bootstrap]");
		break;
	case ERR_DENIED:
		text_add_str(out, "fork/exec /var/task/bootstrap: permission denied");
		break;
	case ERR_SYNTAX:
		text_add_str(out, "fork/exec /var/task/bootstrap: exec format error");
		break;
	default: text_printf(out, "fork/exec /var/task/bootstrap: %s", err_words(start));
	}
}

void words_failure(struct text *out, const struct lambda_report *report)
{
	if (report->outcome == LAMBDA_SIZE) {
		text_add_str(out, "Response payload size exceeded maximum allowed payload size "
				  "(6291556 bytes).");
		return;
	}
	text_printf(out, "RequestId: %s Error: ", report->request_id);
	if (report->outcome == LAMBDA_TIMEOUT)
		text_printf(out, "Task timed out after %.2f seconds",
			    (double)report->timeout_ms / 1000.0);
	else if (report->outcome == LAMBDA_EXIT)
		exit_words(out, report);
	else
		entry_words(out, report->start);
}

void words_error(struct text *out, const struct lambda_report *report)
{
	text_printf(out, "{\"errorType\":\"%s\",\"errorMessage\":\"", words_error_type(report));
	words_failure(out, report);
	text_add_str(out, "\"}");
}

void words_stream(struct text *out, uint64_t unix_ms, const char *version, const char *hex)
{
	char time[WHEN_ISO_BYTES + 1];

	when_iso_ms(unix_ms, time);
	text_printf(out, "%.4s/%.2s/%.2s/[%s]%s", time, time + 5, time + 8, version, hex);
}
