/*
 * shapes: what the operations of ELBv2 take and give, in rows (api/shape.h). The tables are in
 * shapes_*.c by subject; enums that people misspell in harmless ways (a redirect to "https")
 * are plain strings here, and the handlers map and check them.
 */
#ifndef SERVICES_ELBV2_SHAPES_H
#define SERVICES_ELBV2_SHAPES_H

/* A leading "static" keeps a shape in its file. */
#define ROWS_SHARED
#include "api/rows.h"

/* shapes_common.c */
extern const struct api_shape elbv2_certificate_list;
extern const struct api_shape elbv2_resource_arns;
extern const struct api_shape elbv2_tag_key;
extern const struct api_shape elbv2_tag_list;
extern const struct api_shape elbv2_protocol_enum;
extern const struct api_shape elbv2_ip_address_type;
extern const struct api_shape elbv2_list_of_string;
extern const struct api_shape elbv2_load_balancer_arns;
extern const struct api_shape elbv2_page_size;
extern const struct api_shape elbv2_listener_attributes;
extern const struct api_shape elbv2_load_balancer_attributes;
extern const struct api_shape elbv2_target_group_attributes;

/* shapes_load_balancers.c */
extern const struct api_shape elbv2_load_balancer_type_enum;
extern const struct api_shape elbv2_create_load_balancer_input;
extern const struct api_shape elbv2_create_load_balancer_output;
extern const struct api_shape elbv2_delete_load_balancer_input;
extern const struct api_shape elbv2_describe_capacity_reservation_input;
extern const struct api_shape elbv2_describe_capacity_reservation_output;
extern const struct api_shape elbv2_describe_load_balancer_attributes_input;
extern const struct api_shape elbv2_describe_load_balancer_attributes_output;
extern const struct api_shape elbv2_describe_load_balancers_input;
extern const struct api_shape elbv2_describe_load_balancers_output;
extern const struct api_shape elbv2_modify_capacity_reservation_input;
extern const struct api_shape elbv2_modify_capacity_reservation_output;
extern const struct api_shape elbv2_modify_ip_pools_input;
extern const struct api_shape elbv2_modify_ip_pools_output;
extern const struct api_shape elbv2_modify_load_balancer_attributes_input;
extern const struct api_shape elbv2_modify_load_balancer_attributes_output;
extern const struct api_shape elbv2_set_ip_address_type_input;
extern const struct api_shape elbv2_set_ip_address_type_output;
extern const struct api_shape elbv2_set_security_groups_input;
extern const struct api_shape elbv2_set_security_groups_output;
extern const struct api_shape elbv2_set_subnets_input;
extern const struct api_shape elbv2_set_subnets_output;

/* shapes_rules.c */
extern const struct api_shape elbv2_actions;
extern const struct api_shape elbv2_create_rule_input;
extern const struct api_shape elbv2_create_rule_output;
extern const struct api_shape elbv2_delete_rule_input;
extern const struct api_shape elbv2_describe_rules_input;
extern const struct api_shape elbv2_describe_rules_output;
extern const struct api_shape elbv2_modify_rule_input;
extern const struct api_shape elbv2_modify_rule_output;
extern const struct api_shape elbv2_set_rule_priorities_input;
extern const struct api_shape elbv2_set_rule_priorities_output;

/* shapes_listeners.c */
extern const struct api_shape elbv2_add_listener_certificates_input;
extern const struct api_shape elbv2_add_listener_certificates_output;
extern const struct api_shape elbv2_port;
extern const struct api_shape elbv2_create_listener_input;
extern const struct api_shape elbv2_create_listener_output;
extern const struct api_shape elbv2_delete_listener_input;
extern const struct api_shape elbv2_describe_listener_attributes_input;
extern const struct api_shape elbv2_describe_listener_attributes_output;
extern const struct api_shape elbv2_describe_listener_certificates_input;
extern const struct api_shape elbv2_describe_listener_certificates_output;
extern const struct api_shape elbv2_describe_listeners_input;
extern const struct api_shape elbv2_describe_listeners_output;
extern const struct api_shape elbv2_modify_listener_input;
extern const struct api_shape elbv2_modify_listener_output;
extern const struct api_shape elbv2_modify_listener_attributes_input;
extern const struct api_shape elbv2_modify_listener_attributes_output;
extern const struct api_shape elbv2_remove_listener_certificates_input;

/* shapes_target_groups.c */
extern const struct api_shape elbv2_create_target_group_input;
extern const struct api_shape elbv2_create_target_group_output;
extern const struct api_shape elbv2_delete_target_group_input;
extern const struct api_shape elbv2_deregister_targets_input;
extern const struct api_shape elbv2_describe_target_group_attributes_input;
extern const struct api_shape elbv2_describe_target_group_attributes_output;
extern const struct api_shape elbv2_describe_target_groups_input;
extern const struct api_shape elbv2_describe_target_groups_output;
extern const struct api_shape elbv2_describe_target_health_input;
extern const struct api_shape elbv2_describe_target_health_output;
extern const struct api_shape elbv2_modify_target_group_input;
extern const struct api_shape elbv2_modify_target_group_output;
extern const struct api_shape elbv2_modify_target_group_attributes_input;
extern const struct api_shape elbv2_modify_target_group_attributes_output;
extern const struct api_shape elbv2_register_targets_input;

/* shapes_trust_stores.c */
extern const struct api_shape elbv2_add_trust_store_revocations_input;
extern const struct api_shape elbv2_add_trust_store_revocations_output;
extern const struct api_shape elbv2_create_trust_store_input;
extern const struct api_shape elbv2_create_trust_store_output;
extern const struct api_shape elbv2_delete_shared_trust_store_association_input;
extern const struct api_shape elbv2_delete_trust_store_input;
extern const struct api_shape elbv2_describe_trust_store_associations_input;
extern const struct api_shape elbv2_describe_trust_store_associations_output;
extern const struct api_shape elbv2_describe_trust_store_revocations_input;
extern const struct api_shape elbv2_describe_trust_store_revocations_output;
extern const struct api_shape elbv2_describe_trust_stores_input;
extern const struct api_shape elbv2_describe_trust_stores_output;
extern const struct api_shape elbv2_get_resource_policy_input;
extern const struct api_shape elbv2_get_resource_policy_output;
extern const struct api_shape elbv2_get_trust_store_ca_certificates_bundle_input;
extern const struct api_shape elbv2_get_trust_store_ca_certificates_bundle_output;
extern const struct api_shape elbv2_get_trust_store_revocation_content_input;
extern const struct api_shape elbv2_get_trust_store_revocation_content_output;
extern const struct api_shape elbv2_modify_trust_store_input;
extern const struct api_shape elbv2_modify_trust_store_output;
extern const struct api_shape elbv2_remove_trust_store_revocations_input;

/* shapes_other.c */
extern const struct api_shape elbv2_add_tags_input;
extern const struct api_shape elbv2_describe_account_limits_input;
extern const struct api_shape elbv2_describe_account_limits_output;
extern const struct api_shape elbv2_describe_ssl_policies_input;
extern const struct api_shape elbv2_describe_ssl_policies_output;
extern const struct api_shape elbv2_describe_tags_input;
extern const struct api_shape elbv2_describe_tags_output;
extern const struct api_shape elbv2_remove_tags_input;

#endif
