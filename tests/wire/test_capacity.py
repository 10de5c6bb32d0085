"""Reserved capacity: kept through a kill, seen in the metrics, given back."""
import datetime

from harness import Weir, until


def test_reserved_capacity_is_seen_in_metrics_and_survives_a_kill(tmp_path):
    with Weir(data=tmp_path / "weir", workers=2) as weir:
        balancer = weir.balancer()
        modify = lambda **value: weir.elbv2("ModifyCapacityReservation", LoadBalancerArn=balancer, **value)
        made = modify(MinimumLoadBalancerCapacity={"CapacityUnits": 1000})
        assert [(z["State"]["Code"], z["EffectiveCapacityUnits"]) for z in made["CapacityReservationState"]] == [("provisioned", 500.0)] * 2
        until(lambda: weir.metric("weir_capacity_units_reserved") == 1000, what="the reservation among the metrics")

        def published(name):
            now = datetime.datetime.now(datetime.timezone.utc)
            found = weir.call("cloudwatch", "GetMetricStatistics", Namespace="AWS/ApplicationELB", MetricName=name, Statistics=["Maximum"], Period=60,
                              Dimensions=[{"Name": "LoadBalancer", "Value": balancer.split("loadbalancer/")[1]}],
                              StartTime=(now - datetime.timedelta(minutes=5)).isoformat(), EndTime=(now + datetime.timedelta(minutes=1)).isoformat())
            return [point["Maximum"] for point in found["Datapoints"]]

        assert until(lambda: published("ReservedLCUs"), what="ReservedLCUs")[0] == 1000
        assert 0 <= until(lambda: published("CapacityUtilization"), what="CapacityUtilization")[0] < 100
        weir.kill()
        weir.start()
        until(lambda: weir.metric("weir_capacity_units_reserved") == 1000, what="the reservation after a restart")
        assert weir.elbv2("DescribeCapacityReservation", LoadBalancerArn=balancer)["MinimumLoadBalancerCapacity"]["CapacityUnits"] == 1000
        assert "MinimumLoadBalancerCapacity" not in modify(ResetCapacityReservation=True)
        until(lambda: weir.metric("weir_capacity_units_reserved") == 0, what="the end of the reservation")
