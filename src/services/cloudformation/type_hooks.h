/*
 * type_hooks: what is particular about single types; see struct resource_type.
 */
#ifndef SERVICES_CLOUDFORMATION_TYPE_HOOKS_H
#define SERVICES_CLOUDFORMATION_TYPE_HOOKS_H

#include "services/cloudformation/cloudformation_internal.h"

#define HOOK(name)	      err_t name(struct resource_step *step)
#define HOOK_WITH_INPUT(name) err_t name(struct resource_step *step, json_t *input)

/* ---- Tables of rows, beside that of types.c ---- */
extern const struct type_table lambda_types;	  /* type_lambda.c */
extern const struct type_table autoscaling_types; /* type_autoscaling.c */
extern const struct type_table stack_types;	  /* type_stack.c */
extern const struct type_table custom_types;	  /* type_custom.c */
extern const struct type_table wait_types;	  /* type_wait.c */

/* ---- type_ec2.c ---- */
HOOK(vpc_created);
HOOK(subnet_created);
HOOK(attachment_make);
HOOK(attachment_remove);
HOOK(route_make);
HOOK(route_remove);
HOOK(group_created);
HOOK(group_updated);
HOOK(ingress_make);
HOOK(ingress_remove);
HOOK(egress_make);
HOOK(egress_remove);
HOOK(prefix_list_updated);
/* ---- type_elbv2.c ---- */
HOOK(balancer_created);
HOOK(balancer_updated);
HOOK(balancer_settled);
HOOK(target_group_created);
HOOK(target_group_updated);
HOOK(target_group_settled);
HOOK(listener_created);
HOOK(rule_make);
HOOK(rule_updated);
HOOK(listener_certificate_make);
HOOK(listener_certificate_remove);
HOOK(trust_store_updated);
HOOK(trust_store_revocation_make);
HOOK(trust_store_revocation_remove);
/* ---- type_iam.c ---- */
HOOK(role_make);
HOOK(user_created);
HOOK(user_dropping);
HOOK(access_key_make);
HOOK(access_key_updated);
HOOK(access_key_remove);
HOOK(role_updated);
HOOK(role_dropping);
HOOK(policy_make);
HOOK(policy_updated);
HOOK(policy_remove);
HOOK(managed_policy_created);
HOOK(managed_policy_dropping);
HOOK(profile_created);
HOOK(profile_dropping);
/* ---- type_logs.c ---- */
HOOK(log_group_created);
HOOK(log_stream_remove);
HOOK(metric_filter_make);
HOOK(metric_filter_remove);
/* ---- type_ecs.c ---- */
HOOK(cluster_updated);
HOOK(providers_make);
HOOK(providers_remove);
HOOK(service_updated);
HOOK(service_settled);
HOOK(service_remove);
/* ---- type_s3.c: buckets, parameters, secrets ---- */
HOOK(bucket_created);
HOOK(bucket_settled);
HOOK(bucket_policy_make);
HOOK(bucket_policy_remove);
HOOK(parameter_updated);
HOOK_WITH_INPUT(secret_complete);
HOOK(secret_remove);

#endif
