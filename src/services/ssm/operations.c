/*
 * operations: the table of operations that exist here, and their shapes.
 */
#include "api/rows.h"
#include "services/ssm/ssm_internal.h"

STRUCTURE(tag, S("Key"), S("Value"));
LIST(tag_list, &tag);
STRUCTURE(put_parameter_request, S("Name"), S("Description"), S("Value"), S("Type"), S("KeyId"),
	  B("Overwrite"), S("AllowedPattern"), M("Tags", &tag_list), S("Tier"), S("Policies"),
	  S("DataType"));
STRUCTURE(put_parameter_result, I("Version"), S("Tier"));
STRUCTURE(get_parameter_request, S("Name"), B("WithDecryption"));
STRUCTURE(parameter, S("Name"), S("Type"), S("Value"), I("Version"), S("Selector"),
	  S("SourceResult"), T("LastModifiedDate"), S("ARN"), S("DataType"));
STRUCTURE(get_parameter_result, M("Parameter", &parameter));
LIST(strings, &api_string);
STRUCTURE(get_parameters_request, M("Names", &strings), B("WithDecryption"));
LIST(parameter_list, &parameter);
STRUCTURE(get_parameters_result, M("Parameters", &parameter_list),
	  M("InvalidParameters", &strings));
STRUCTURE(parameter_string_filter, S("Key"), S("Option"), M("Values", &strings));
LIST(parameter_string_filter_list, &parameter_string_filter);
STRUCTURE(get_parameters_by_path_request, S("Path"), B("Recursive"),
	  M("ParameterFilters", &parameter_string_filter_list), B("WithDecryption"),
	  I("MaxResults"), S("NextToken"));
STRUCTURE(get_parameters_by_path_result, M("Parameters", &parameter_list), S("NextToken"));
STRUCTURE(parameters_filter, S("Key"), M("Values", &strings));
LIST(parameters_filter_list, &parameters_filter);
STRUCTURE(describe_parameters_request, M("Filters", &parameters_filter_list),
	  M("ParameterFilters", &parameter_string_filter_list), I("MaxResults"), S("NextToken"),
	  B("Shared"));
STRUCTURE(parameter_inline_policy, S("PolicyText"), S("PolicyType"), S("PolicyStatus"));
LIST(parameter_policy_list, &parameter_inline_policy);
STRUCTURE(parameter_metadata, S("Name"), S("ARN"), S("Type"), S("KeyId"), T("LastModifiedDate"),
	  S("LastModifiedUser"), S("Description"), S("AllowedPattern"), I("Version"), S("Tier"),
	  M("Policies", &parameter_policy_list), S("DataType"));
LIST(parameter_metadata_list, &parameter_metadata);
STRUCTURE(describe_parameters_result, M("Parameters", &parameter_metadata_list), S("NextToken"));
STRUCTURE(delete_parameter_request, S("Name"));
STRUCTURE(delete_parameters_request, M("Names", &strings));
STRUCTURE(delete_parameters_result, M("DeletedParameters", &strings),
	  M("InvalidParameters", &strings));
STRUCTURE(add_tags_to_resource_request, S("ResourceType"), S("ResourceId"), M("Tags", &tag_list));
STRUCTURE(remove_tags_from_resource_request, S("ResourceType"), S("ResourceId"),
	  M("TagKeys", &strings));
STRUCTURE(list_tags_for_resource_request, S("ResourceType"), S("ResourceId"));
STRUCTURE(list_tags_for_resource_result, M("TagList", &tag_list));

#define OPERATION(name_, effect_, input_, output_, handle_)                    \
	{                                                                      \
		ROW_OPERATION("ssm", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation ssm_operations[] = {
	OPERATION("PutParameter", API_WRITES, &put_parameter_request, &put_parameter_result,
		  ssm_put_parameter),
	OPERATION("GetParameter", API_READS, &get_parameter_request, &get_parameter_result,
		  ssm_get_parameter),
	OPERATION("GetParameters", API_READS, &get_parameters_request, &get_parameters_result,
		  ssm_get_parameters),
	OPERATION("GetParametersByPath", API_READS, &get_parameters_by_path_request,
		  &get_parameters_by_path_result, ssm_get_parameters_by_path),
	OPERATION("DescribeParameters", API_READS, &describe_parameters_request,
		  &describe_parameters_result, ssm_describe_parameters),
	OPERATION("DeleteParameter", API_WRITES, &delete_parameter_request, &api_shape_none,
		  ssm_delete_parameter),
	OPERATION("DeleteParameters", API_WRITES, &delete_parameters_request,
		  &delete_parameters_result, ssm_delete_parameters),
	OPERATION("AddTagsToResource", API_WRITES, &add_tags_to_resource_request, &api_shape_none,
		  ssm_add_tags_to_resource),
	OPERATION("RemoveTagsFromResource", API_WRITES, &remove_tags_from_resource_request,
		  &api_shape_none, ssm_remove_tags_from_resource),
	OPERATION("ListTagsForResource", API_READS, &list_tags_for_resource_request,
		  &list_tags_for_resource_result, ssm_list_tags_for_resource),
};
const size_t ssm_operation_count = COUNT(ssm_operations);
