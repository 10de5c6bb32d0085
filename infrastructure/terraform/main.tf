# A balancer for answers that take minutes: a backend that streams, a frontend for everything else.

data "aws_vpc" "this" {
  id      = var.vpc_id
  default = var.vpc_id == null ? true : null
}

data "aws_subnets" "this" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.this.id]
  }
}

locals {
  subnet_ids = var.subnet_ids == null ? slice(sort(data.aws_subnets.this.ids), 0, 2) : var.subnet_ids
  listeners  = merge({ http = aws_lb_listener.http.arn }, { for l in aws_lb_listener.https : "https" => l.arn })
}

resource "aws_security_group" "alb" {
  name        = "mindr-alb-sg"
  description = "Security group for Mindr ALB"
  vpc_id      = data.aws_vpc.this.id

  ingress {
    from_port   = var.http_port
    to_port     = var.http_port
    protocol    = "tcp"
    cidr_blocks = [var.allowed_cidr]
  }

  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [var.allowed_cidr]
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "backend" {
  name        = "mindr-backend-sg"
  description = "Security group for Mindr backend"
  vpc_id      = data.aws_vpc.this.id

  ingress {
    from_port       = 8000
    to_port         = 8000
    protocol        = "tcp"
    security_groups = [aws_security_group.alb.id]
  }
}

resource "aws_lb" "mindr_alb" {
  name               = "mindr-alb"
  load_balancer_type = "application"
  subnets            = local.subnet_ids
  security_groups    = [aws_security_group.alb.id]

  idle_timeout               = var.idle_timeout
  enable_deletion_protection = false

  dynamic "access_logs" {
    for_each = var.access_logs_bucket == null ? [] : [var.access_logs_bucket]
    content {
      bucket  = access_logs.value
      enabled = true
    }
  }

  tags = {
    Name        = "mindr-alb"
    Environment = var.environment
  }
}

resource "aws_lb_target_group" "mindr_backend" {
  name        = "mindr-backend-tg"
  port        = 8000
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = data.aws_vpc.this.id

  health_check {
    enabled             = true
    healthy_threshold   = 2
    interval            = 30
    matcher             = "200"
    path                = "/health"
    port                = "traffic-port"
    protocol            = "HTTP"
    timeout             = 5
    unhealthy_threshold = 2
  }

  # Answers under way are finished, however long they take.
  deregistration_delay = 180

  tags = {
    Name        = "mindr-backend-tg"
    Environment = var.environment
    # Weir keeps silent answers alive by this; to AWS it is a tag like any other.
    "weir:stream.heartbeat.interval_seconds" = "10"
  }
}

resource "aws_lb_target_group" "mindr_frontend" {
  name        = "mindr-frontend-tg"
  port        = 80
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = data.aws_vpc.this.id

  health_check {
    enabled             = true
    healthy_threshold   = 2
    interval            = 30
    matcher             = "200,404" # a frontend may know no /
    path                = "/"
    port                = "traffic-port"
    protocol            = "HTTP"
    timeout             = 5
    unhealthy_threshold = 2
  }

  deregistration_delay = 30

  tags = {
    Name        = "mindr-frontend-tg"
    Environment = var.environment
  }
}

resource "aws_lb_target_group_attachment" "backend" {
  for_each         = var.backend_addresses
  target_group_arn = aws_lb_target_group.mindr_backend.arn
  target_id        = each.key
  port             = each.value
}

resource "aws_lb_target_group_attachment" "frontend" {
  for_each         = var.frontend_addresses
  target_group_arn = aws_lb_target_group.mindr_frontend.arn
  target_id        = each.key
  port             = each.value
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.mindr_alb.arn
  port              = var.http_port
  protocol          = "HTTP"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_frontend.arn
  }
}

resource "aws_lb_listener" "https" {
  count             = var.certificate_arn == null ? 0 : 1
  load_balancer_arn = aws_lb.mindr_alb.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_frontend.arn
  }
}

resource "aws_lb_listener_rule" "backend" {
  for_each     = local.listeners
  listener_arn = each.value
  priority     = 100

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_backend.arn
  }

  condition {
    path_pattern {
      values = ["/chat", "/health", "/reindex"]
    }
  }
}

resource "aws_lb_listener_rule" "frontend" {
  for_each     = local.listeners
  listener_arn = each.value
  priority     = 200

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mindr_frontend.arn
  }

  condition {
    path_pattern {
      values = ["/*"]
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "response_time" {
  alarm_name          = "Mindr-High-Response-Time"
  alarm_description   = "Alert when response time exceeds 30 seconds"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 2
  threshold           = 30
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  dimensions = {
    LoadBalancer = aws_lb.mindr_alb.arn_suffix
    TargetGroup  = aws_lb_target_group.mindr_backend.arn_suffix
  }
}

resource "aws_cloudwatch_metric_alarm" "connections" {
  alarm_name          = "Mindr-High-Connection-Count"
  alarm_description   = "Alert when active connections exceed 100"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "ActiveConnectionCount"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 100
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  dimensions = {
    LoadBalancer = aws_lb.mindr_alb.arn_suffix
  }
}
