/* SEARCH of metric math: the tables of CloudWatch's documentation, and what is refused. */
#include "services/cloudwatch/search.h"
#include "tests/check.h"

/* "Namespace|Name|Dimension=value|…" */
static bool fits(const char *query, const char *metric)
{
	struct bytes rest = bytes_of(metric), part;
	struct search_subject subject = { .name_space = BYTES_NONE };
	struct dimension dimensions[8];
	struct text why = TEXT_INIT(512);
	const struct search *search;
	struct arena arena;
	bool found;

	bytes_cut(&rest, '|', &subject.name_space);
	bytes_cut(&rest, '|', &subject.name);
	subject.dimensions = dimensions;
	while (rest.len && bytes_cut(&rest, '|', &part)) {
		struct dimension *dimension = &dimensions[subject.dimension_count++];

		bytes_cut(&part, '=', &dimension->name);
		dimension->value = part;
	}
	arena_init(&arena, 1 << 20);
	CHECK_OK(search_parse(&arena, bytes_of(query), &search, &why), "%s: %s", query,
		 text_str(&why));
	found = search_fits(search, &subject);
	text_fini(&why);
	arena_fini(&arena);
	return found;
}

#define REQUESTS "AWS/ApplicationELB|RequestCount|LoadBalancer=app/mindr-alb/50dc"

static const struct {
	const char *query, *metric;
	bool fits;
} cases[] = {
	/* the schema */
	{ "{AWS/ApplicationELB,LoadBalancer}", REQUESTS, true },
	{ " { AWS/ApplicationELB , LoadBalancer } ", REQUESTS, true },
	{ "{AWS/ApplicationELB}", REQUESTS, true },
	{ "{AWS/ApplicationELB,TargetGroup}", REQUESTS, false },
	{ "{AWS/ApplicationELB,LoadBalancer,TargetGroup}", REQUESTS, false },
	{ "{\"AWS/ApplicationELB\",\"LoadBalancer\"}", REQUESTS, true },
	{ "{AWS/EC2,LoadBalancer}", REQUESTS, false },
	{ "{\"My Namespace\", \"Dimension@Name\"}", "My Namespace|M|Dimension@Name=1", true },
	{ "{A,X,Y}", "A|M|Y=1|X=2", true },
	/* tokens: capitals, digits and delimiters cut */
	{ "count", "N|CustomCount1", true },
	{ "Count", "N|CustomCount1", true },
	{ "COUNT", "N|CustomCount1", true },
	{ "couNT", "N|CustomCount1", false },
	{ "CustomCount", "N|CustomCount1", true },
	{ "Count1", "N|CustomCount1", true },
	{ "customcount", "N|CustomCount1", false },
	{ "count1", "N|CustomCount1", false },
	{ "customcount1", "N|CustomCount1", true },
	{ "sdb", "N|SDBFailure", true },
	{ "failure", "N|SDBFailure", true },
	{ "project", "N|Project2-trial333", true },
	{ "333", "N|Project2-trial333", true },
	{ "trial", "N|Project2-trial333", true },
	{ "project2trial333", "N|Project2-trial333", true },
	{ "tria", "N|Project2-trial333", false },
	{ "network/errors", "N|Network-Errors-2", true },
	{ "Network_Errors", "N|NetworkErrors2", true },
	{ "errors-network", "N|Network-Errors-2", false },
	/* exactly */
	{ "\"CustomCount1\"", "N|CustomCount1", true },
	{ "\"customcount1\"", "N|CustomCount1", false },
	{ "\"Custom\"", "N|CustomCount1", false },
	{ "\"Europe\\\\France Traffic\\(Network\\)\"", "N|Europe\\France Traffic(Network)", true },
	{ "\"app/mindr-alb/50dc\"", REQUESTS, true },
	{ "\"LoadBalancer\"", REQUESTS, true },
	/* properties */
	{ "MetricName=\"RequestCount\"", REQUESTS, true },
	{ "MetricName=request", REQUESTS, true },
	{ "MetricName=mindr", REQUESTS, false },
	{ "LoadBalancer=mindr", REQUESTS, true },
	{ "TargetGroup=mindr", REQUESTS, false },
	{ "Namespace=AWS", REQUESTS, true },
	{ "\"LoadBalancer\"=\"app/mindr-alb/50dc\"", REQUESTS, true },
	/* AND, OR, NOT */
	{ "request mindr", REQUESTS, true },
	{ "request AND other", REQUESTS, false },
	{ "other OR mindr", REQUESTS, true },
	{ "NOT Namespace=AWS", REQUESTS, false },
	{ "NOT Namespace=AWS", "Mine|M", true },
	{ "request NOT mindr NOT x", REQUESTS, false },
	{ "(EC2 OR mindr) MetricName=RequestCount", REQUESTS, true },
	{ "(EC2 OR EBS) AND MetricName=RequestCount", REQUESTS, false },
	{ "a b OR mindr", REQUESTS, true },
	{ "mindr OR a b", REQUESTS, true },
	{ "{AWS/ApplicationELB,LoadBalancer}, MetricName=\"Errors\" OR (MetricName=\"RequestCount\" "
	  "AND (x OR mindr))",
	  REQUESTS, true },
	{ "ANDROID", "N|Android", true },
	{ "or", "N|x-or-y", true },
};

TEST(searches_find_what_they_say)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(fits(cases[i].query, cases[i].metric), cases[i].fits, "%s on %s",
			 cases[i].query, cases[i].metric);
}

TEST(what_is_no_search_is_refused_in_words)
{
	static const char *const bad[] = { "",	 "   ", "{",	  "{}",	  "{a",	   "{a,}",
					   "(a", "a)",	"NOT",	  "a OR", "a AND", "\"a",
					   "a=", "=a",	"{\"\"}", "()",	  "a=\"b", "{a}}" };
	char long_one[SEARCH_BYTES_MAX + 2], deep[512];

	for (size_t i = 0; i < COUNT(bad) + 2; i++) {
		struct text why = TEXT_INIT(512);
		const struct search *search;
		struct arena arena;
		const char *query = i < COUNT(bad) ? bad[i] : i == COUNT(bad) ? long_one : deep;

		memset(long_one, 'a', sizeof long_one - 1);
		long_one[sizeof long_one - 1] = '\0';
		memset(deep, '(', sizeof deep - 1);
		deep[sizeof deep - 1] = '\0';
		arena_init(&arena, 1 << 20);
		CHECK_ERR(search_parse(&arena, bytes_of(query), &search, &why), ERR_INVALID, "%s",
			  query);
		CHECK(why.len, "%s says nothing", query);
		text_fini(&why);
		arena_fini(&arena);
	}
}
