/* What a service said, in the words of a stack's events. */
#include "services/cloudformation/reasons.h"

#include "tests/check.h"

static void check_told(const char *why, const char *want)
{
	struct text words = TEXT_INIT(4096);

	text_add_str(&words, why);
	reason_of_handler(&words, "T");
	CHECK_STR(text_str(&words), want);
	text_fini(&words);
}

TEST(a_services_refusal_is_told_as_its_handlers)
{
	check_told("No such group (Service: ec2, Status Code: 400, Code: InvalidGroup.NotFound)",
		   "Resource handler returned message: \"No such group (Service: Ec2, Status Code: "
		   "400, Code: InvalidGroup.NotFound)\" (RequestToken: T, HandlerErrorCode: "
		   "NotFound)");
	check_told("x (Service: new, Status Code: 500, Code: InternalFailure)",
		   "Resource handler returned message: \"x (Service: new, Status Code: 500, Code: "
		   "InternalFailure)\" (RequestToken: T, HandlerErrorCode: ServiceInternalError)");
}

TEST(who_quotes_another_service_speaks_for_itself)
{
	check_told("it said: no (Service: ec2, Status Code: 400, Code: A) (Service: s3, Status "
		   "Code: 409, Code: BucketAlreadyExists)",
		   "Resource handler returned message: \"it said: no (Service: ec2, Status Code: "
		   "400, Code: A) (Service: S3, Status Code: 409, Code: BucketAlreadyExists)\" "
		   "(RequestToken: T, HandlerErrorCode: AlreadyExists)");
}

TEST(what_no_service_said_stays_as_it_is)
{
	static const char *const words[] = {
		"",
		"Template error: there is no condition 'C' (line 3)",
		"x (Service: a",
		"x (Service: a)",
		"x (Service: a, Status Code: 1)",
		"x (Service: a, Status Code: 1, Code: b) and more",
		"x (Service: a, Status Code: 1, Code: b) (more)",
	};

	for (size_t i = 0; i < COUNT(words); i++)
		check_told(words[i], words[i]);
}
