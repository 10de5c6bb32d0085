/*
 * tagging_internal: what the files of this folder share.
 *
 * Tags are one JSON object {key: value} here, whatever form a service gives or takes.
 */
#ifndef SERVICES_TAGGING_TAGGING_INTERNAL_H
#define SERVICES_TAGGING_TAGGING_INTERNAL_H

#include "services/tagging/tagging.h"

/*
 * Where one kind of resource is found. A path is names with points between them; "0" is the first
 * of a list. What is not there is no error: a service may be missing from this Weir.
 */
struct tag_source {
	const char *type;		  /* "logs:log-group": what ResourceTypeFilters name */
	const char *service, *list;	  /* the operation that lists, all pages of it */
	const char *items, *arn;	  /* path to the list; in an item, "" when it is the ARN */
	const char *token_out, *token_in; /* of its pages; NULL: it has one */
	const char *tags_operation, *by;  /* asks for one's tags by this member; NULL: inline */
	bool by_list;			  /* `by` takes a list of one */
	const char *tags;		  /* path to the tags */
};
extern const struct tag_source tag_sources[];
extern const size_t tag_source_count;

/* How the service of an ARN takes tags. */
struct tag_sink {
	const char *prefix; /* "arn:aws:logs:" */
	const char *service;
	const char *add, *drop; /* operations */
	const char *by;		/* the member that names the resource */
	bool by_list;
	enum { SINK_ARN, SINK_ID } name; /* SINK_ID: what follows the last slash */
	enum { SINK_UPPER, SINK_LOWER, SINK_MAP } form;
	const char *tags, *keys; /* members; keys NULL: the tags again */
};
const struct tag_sink *tag_sink_of(const char *arn); /* NULL: nobody here takes its tags */

/* Tags in any form as an object; a new reference. */
json_t *tags_of(const json_t *given);

/*
 * Every resource that has, or had, tags: {arn: {"type": …, "tags": {…}}}, in order of ARN once
 * sorted by the caller. ERR_NOMEM.
 */
err_t tagged_resources(struct api_call *call, json_t **ret_all);

#endif
