#include "services/cloudformation/inline_code.h"

#include <string.h>

#include <zip.h>

enum { SETTLED_TIME = 315532800 /* 1980, the first that a zip can say */ };

static const char python_module[] =
	"import json\n"
	"import urllib.request\n"
	"\n"
	"SUCCESS = 'SUCCESS'\n"
	"FAILED = 'FAILED'\n"
	"\n"
	"\n"
	"def send(event, context, responseStatus, responseData, physicalResourceId=None, "
	"noEcho=False, reason=None):\n"
	"    told = {'Status': responseStatus,\n"
	"            'Reason': reason or 'See the log stream ' + context.log_stream_name,\n"
	"            'PhysicalResourceId': physicalResourceId or context.log_stream_name,\n"
	"            'StackId': event['StackId'], 'RequestId': event['RequestId'],\n"
	"            'LogicalResourceId': event['LogicalResourceId'], 'NoEcho': noEcho,\n"
	"            'Data': responseData}\n"
	"    request = urllib.request.Request(event['ResponseURL'], json.dumps(told).encode(),\n"
	"                                     {'Content-Type': ''}, method='PUT')\n"
	"    urllib.request.urlopen(request).close()\n";

static const char node_module[] =
	"exports.SUCCESS = 'SUCCESS';\n"
	"exports.FAILED = 'FAILED';\n"
	"exports.send = function (event, context, status, data, physicalId, noEcho, reason) {\n"
	"  const body = JSON.stringify({\n"
	"    Status: status, Reason: reason || 'See the log stream ' + context.logStreamName,\n"
	"    PhysicalResourceId: physicalId || context.logStreamName, StackId: event.StackId,\n"
	"    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId,\n"
	"    NoEcho: noEcho || false, Data: data });\n"
	"  const url = new URL(event.ResponseURL);\n"
	"  return new Promise((resolve, reject) => {\n"
	"    const request = require(url.protocol.slice(0, -1)).request(url, { method: 'PUT',\n"
	"      headers: { 'content-type': '', 'content-length': Buffer.byteLength(body) } },\n"
	"      (answer) => { answer.resume(); answer.on('end', () => { context.done(); resolve(); }); "
	"});\n"
	"    request.on('error', (error) => { context.done(error); reject(error); });\n"
	"    request.end(body);\n"
	"  });\n"
	"};\n";

static const struct language {
	const char *runtime, *file, *module;
	struct bytes module_code;
} languages[] = {
	{ "python", "index.py", "cfnresponse.py", { python_module, sizeof python_module - 1 } },
	{ "nodejs",
	  "index.js",
	  "node_modules/cfn-response/index.js",
	  { node_module, sizeof node_module - 1 } },
};

/* The archive borrows `code` until it is closed. */
static err_t add_file(zip_t *archive, const char *name, struct bytes code)
{
	zip_source_t *source = zip_source_buffer(archive, code.at, code.len, 0);
	zip_int64_t at;

	if (!source)
		return ERR_NOMEM;
	at = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
	if (at < 0) {
		zip_source_free(source);
		return ERR_NOMEM;
	}
	return zip_file_set_mtime(archive, (zip_uint64_t)at, SETTLED_TIME, 0) ||
			       zip_file_set_external_attributes(archive, (zip_uint64_t)at, 0,
								ZIP_OPSYS_UNIX, 0100644u << 16)
		       ? ERR_NOMEM
		       : ERR_OK;
}

static err_t copy_out(zip_source_t *whole, struct text *out)
{
	char piece[4096];
	zip_int64_t got;

	if (zip_source_open(whole))
		return ERR_NOMEM;
	while ((got = zip_source_read(whole, piece, sizeof piece)) > 0)
		text_add(out, bytes_make(piece, (size_t)got));
	zip_source_close(whole);
	return got < 0 ? ERR_NOMEM : text_err(out);
}

static err_t pack(const struct language *language, struct bytes code, struct text *out)
{
	zip_error_t why;
	zip_source_t *whole = zip_source_buffer_create(NULL, 0, 0, &why);
	zip_t *archive;
	err_t err;

	if (!whole)
		return ERR_NOMEM;
	zip_source_keep(whole); /* the archive's close drops one of two */
	archive = zip_open_from_source(whole, ZIP_TRUNCATE, &why);
	if (!archive) {
		zip_source_free(whole);
		zip_source_free(whole);
		return ERR_NOMEM;
	}
	err = add_file(archive, language->file, code);
	if (!err)
		err = add_file(archive, language->module, language->module_code);
	if (err || zip_close(archive)) {
		zip_discard(archive);
		err = err ? err : ERR_NOMEM;
	}
	if (!err)
		err = copy_out(whole, out);
	zip_source_free(whole);
	return err;
}

err_t inline_code_pack(const char *runtime, struct bytes code, struct text *out)
{
	if (code.len > INLINE_CODE_BYTES_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < COUNT(languages); i++)
		if (bytes_starts(bytes_of(runtime), bytes_of(languages[i].runtime)))
			return pack(&languages[i], code, out);
	return ERR_INVALID;
}
