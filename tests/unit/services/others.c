/* The rest of the model: what is read-only, what is refused, and that every operation answers. */
#include "tests/unit/services/house.h"

static json_t *policy(const char *name)
{
	return node(house_call("DescribeSSLPolicies", "{s:[s]}", "Names", name), "SslPolicies.0");
}

TEST(ssl_policies_have_their_protocols_and_ciphers_in_order)
{
	json_t *row;

	house_open();
	row = policy("ELBSecurityPolicy-2016-08");
	CHECK_STR(at(row, "SslProtocols.0"), "TLSv1.2");
	CHECK_EQ(json_array_size(node(row, "SslProtocols")), 3);
	CHECK_EQ(json_array_size(node(row, "Ciphers")), 18);
	CHECK_STR(at(row, "Ciphers.0.Name"), "ECDHE-ECDSA-AES128-GCM-SHA256");
	CHECK_STR(at(row, "Ciphers.0.Priority"), "1");
	CHECK_STR(at(row, "Ciphers.17.Name"), "AES256-SHA");
	CHECK_STR(at(row, "SupportedLoadBalancerTypes.0"), "application");
	row = policy("ELBSecurityPolicy-TLS13-1-2-2021-06");
	CHECK_STR(at(row, "Ciphers.2.Name"), "TLS_CHACHA20_POLY1305_SHA256");
	CHECK_EQ(json_array_size(node(row, "Ciphers")), 11);
	row = policy("ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04");
	CHECK_EQ(json_array_size(node(row, "Ciphers")), 2, "no ChaCha20 in FIPS");
	CHECK_EQ(json_array_size(node(policy("ELBSecurityPolicy-TLS-1-0-2015-04"), "Ciphers")), 19);
	CHECK_FAULT("DescribeSSLPolicies", "SSLPolicyNotFound", "SSL policy 'x' not found",
		    "{s:[s]}", "Names", "x");
	CHECK_EQ(json_array_size(node(
			 house_call("DescribeSSLPolicies", "{s:s}", "LoadBalancerType", "gateway"),
			 "SslPolicies")),
		 0);
	house_close();
}

TEST(limits_are_strings)
{
	json_t *limits, *limit;
	size_t index;
	bool found = false;

	house_open();
	limits = node(house_call("DescribeAccountLimits", "{}"), "Limits");
	json_array_foreach (limits, index, limit) {
		CHECK(json_is_string(node(limit, "Max")), "%s", at(limit, "Name"));
		found |= strcmp(at(limit, "Name"), "rules-per-application-load-balancer") == 0 &&
			 strcmp(at(limit, "Max"), "100") == 0;
	}
	CHECK(found, "rules per load balancer");
	house_close();
}

#define NO_STORE "arn:aws:elasticloadbalancing:us-east-1:000000000000:truststore/x/1"

TEST(there_are_no_trust_stores_policies_certificates_or_pools)
{
	static const char *const of_a_store[] = {
		"DeleteTrustStore",
		"AddTrustStoreRevocations",
		"DescribeTrustStoreAssociations",
		"DescribeTrustStoreRevocations",
		"GetTrustStoreCaCertificatesBundle",
	};
	const char *lb, *listener;

	house_open();
	lb = house_load_balancer("lb");
	listener = house_listener(lb, 80, house_target_group("g"));
	CHECK_EQ(json_array_size(node(house_call("DescribeTrustStores", "{}"), "TrustStores")), 0);
	CHECK_FAULT("DescribeTrustStores", "TrustStoreNotFound",
		    "One or more trust stores not found", "{s:[s]}", "Names", "x");
	CHECK_FAULT("DescribeTrustStores", "TrustStoreNotFound", NULL, "{s:[s]}", "TrustStoreArns",
		    NO_STORE);
	for (size_t i = 0; i < COUNT(of_a_store); i++) {
		CHECK_FAULT(of_a_store[i], "TrustStoreNotFound", NULL, "{s:s}", "TrustStoreArn",
			    NO_STORE);
		CHECK_FAULT(of_a_store[i], "ValidationError", NULL, "{s:s}", "TrustStoreArn", lb);
	}
	CHECK_FAULT("ModifyTrustStore", "TrustStoreNotFound", NULL, "{s:s, s:s, s:s}",
		    "TrustStoreArn", NO_STORE, "CaCertificatesBundleS3Bucket", "b",
		    "CaCertificatesBundleS3Key", "k");
	CHECK_FAULT("RemoveTrustStoreRevocations", "TrustStoreNotFound", NULL, "{s:s, s:[i]}",
		    "TrustStoreArn", NO_STORE, "RevocationIds", 1);
	CHECK_FAULT("GetTrustStoreRevocationContent", "TrustStoreNotFound", NULL, "{s:s, s:i}",
		    "TrustStoreArn", NO_STORE, "RevocationId", 1);
	CHECK_FAULT("DeleteSharedTrustStoreAssociation", "TrustStoreNotFound", NULL, "{s:s, s:s}",
		    "TrustStoreArn", NO_STORE, "ResourceArn", lb);
	CHECK_FAULT("CreateTrustStore", "CaCertificatesBundleNotFound", NULL, "{s:s, s:s, s:s}",
		    "Name", "ts", "CaCertificatesBundleS3Bucket", "b", "CaCertificatesBundleS3Key",
		    "k");
	CHECK_FAULT("GetResourcePolicy", "ResourceNotFound", NULL, "{s:s}", "ResourceArn", lb);
	CHECK_FAULT("AddListenerCertificates", "OperationNotPermitted", NULL, "{s:s, s:[{s:s}]}",
		    "ListenerArn", listener, "Certificates", "CertificateArn",
		    "arn:aws:acm:us-east-1:1:certificate/x");
	CHECK_FAULT("RemoveListenerCertificates", "OperationNotPermitted", NULL, "{s:s, s:[{s:s}]}",
		    "ListenerArn", listener, "Certificates", "CertificateArn",
		    "arn:aws:acm:us-east-1:1:certificate/x");
	CHECK_FAULT("ModifyIpPools", "InvalidConfigurationRequest", NULL, "{s:s, s:{s:s}}",
		    "LoadBalancerArn", lb, "IpamPools", "Ipv4IpamPoolId", "ipam-pool-1");
	house_call("ModifyIpPools", "{s:s, s:[s]}", "LoadBalancerArn", lb, "RemoveIpamPools",
		   "ipv4");
	house_close();
}

/* Nothing crashes, and what needs something says so. */
TEST(every_operation_of_the_model_answers_an_empty_request)
{
	static const char *const content[] = { "DescribeAccountLimits", "DescribeLoadBalancers",
					       "DescribeSSLPolicies", "DescribeTargetGroups",
					       "DescribeTrustStores" };

	house_open();
	CHECK_EQ(elbv2_operation_count, 51);
	for (size_t i = 0; i < elbv2_operation_count; i++) {
		const char *name = elbv2_operations[i].name;
		json_t *out = house_try("elbv2", name, json_object());
		bool expected = false;

		for (size_t k = 0; k < COUNT(content); k++)
			expected |= strcmp(content[k], name) == 0;
		CHECK_EQ(out != NULL, expected, "%s: %s", name, house.fault.message);
		if (!out)
			CHECK_STR(house.fault.code, "ValidationError", "%s", name);
	}
	house_close();
}

TEST(a_plan_that_fails_is_made_up_for_by_the_next_call)
{
	house_open();
	house.lb->apply_err = ERR_NOMEM;
	house_load_balancer("late");
	CHECK_EQ(json_array_size(node(house.lb->plan, "balancers")), 0);
	house.lb->apply_err = ERR_OK;
	house_call("DescribeLoadBalancers", "{}");
	CHECK_EQ(json_array_size(node(house.lb->plan, "balancers")), 1);
	house_close();
}

static void stop(struct timer *timer)
{
	(void)timer;
	loop_stop(house.loop);
}

TEST(a_reset_of_the_store_empties_the_plan)
{
	struct timer timer = { .on_expired = stop };
	struct store_txn *txn;

	house_open();
	house_listener(house_load_balancer("lb"), 80, house_target_group("g"));
	CHECK_OK(store_begin(house.store, &txn));
	CHECK_OK(store_reset(txn));
	CHECK_OK(store_commit(txn));
	timer_set(house.loop, &timer, loop_now_ms(house.loop) + 20);
	loop_run(house.loop);
	CHECK_EQ(json_array_size(node(house.lb->plan, "balancers")), 0);
	house_load_balancer("lb");
	house_close();
}

TEST(reading_makes_no_plan)
{
	unsigned applies;

	house_open();
	house_load_balancer("lb");
	applies = house.lb->applies;
	house_call("DescribeLoadBalancers", "{}");
	house_call("DescribeTargetGroups", "{}");
	CHECK_EQ(house.lb->applies, applies);
	house_close();
}
