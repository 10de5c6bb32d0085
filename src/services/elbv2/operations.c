/*
 * operations: the table of ELBv2's operations, made from operations.def.
 */
#include "services/elbv2/elbv2_internal.h"
#include "services/elbv2/shapes.h"

#define OPERATION_ACTS(note_)	 NULL
#define OPERATION_REFUSED(note_) note_

const struct api_operation elbv2_operations[] = {
#define OPERATION(name_, effect_, input_, output_, handler_, acts_, note_)          \
	{ ROW_OPERATION("elasticloadbalancing", #name_, effect_, &input_, &output_, \
			elbv2_##handler_),                                          \
	  .refusal = OPERATION_##acts_(note_) },
#include "services/elbv2/operations.def"
#undef OPERATION
};

const size_t elbv2_operation_count = COUNT(elbv2_operations);
