/*
 * page: Marker, PageSize, NextMarker. A marker is the key of the last item given out, so that
 * what is deleted or added meanwhile neither repeats nor hides the rest.
 */
#include "services/elbv2/elbv2_internal.h"

#include "base/encode.h"

static const char marker_prefix[] = "weir/1/";

static err_t marker_read(struct page *page, const char *marker)
{
	struct text plain = TEXT_INIT(256);
	struct bytes rest, operation;
	bool good = false;

	if (!decode_base64url(&plain, bytes_of(marker))) {
		rest = text_bytes(&plain);
		if (bytes_starts(rest, bytes_of(marker_prefix))) {
			rest = bytes_from(rest, sizeof marker_prefix - 1);
			good = bytes_cut(&rest, '/', &operation) &&
			       bytes_eq_str(operation, page->call->operation->name) && rest.at &&
			       !bytes_to_u64(rest, UINT64_MAX, &page->after);
		}
	}
	text_fini(&plain);
	if (!good)
		return api_fault(page->call, "ValidationError", "The marker '%.100s' is not valid",
				 marker);
	page->started = true;
	return ERR_OK;
}

err_t page_begin(struct api_call *call, unsigned default_size, struct page *ret_page)
{
	const char *marker = get_string(call->input, "Marker");

	*ret_page = (struct page){ .call = call };
	ret_page->size = (unsigned)get_int(call->input, "PageSize", default_size);
	if (marker && marker[0])
		return marker_read(ret_page, marker);
	return ERR_OK;
}

bool page_take(struct page *page, uint64_t key)
{
	if (page->started && key <= page->after)
		return false;
	if (page->taken == page->size) {
		page->more = true;
		return false;
	}
	page->taken++;
	page->last = key;
	return true;
}

err_t page_end(struct page *page)
{
	struct text plain = TEXT_INIT(256), marker = TEXT_INIT(512);
	err_t err = ERR_OK;

	if (!page->more)
		return ERR_OK;
	text_printf(&plain, "%s%s/%llu", marker_prefix, page->call->operation->name,
		    (unsigned long long)page->last);
	encode_base64url(&marker, text_bytes(&plain));
	err = text_err(&plain) ? text_err(&plain) : text_err(&marker);
	if (!err)
		err = set_string(page->call->output, "NextMarker", text_str(&marker));
	text_fini(&plain);
	text_fini(&marker);
	return err;
}
