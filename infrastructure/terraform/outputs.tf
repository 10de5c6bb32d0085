output "dns_name" {
  value = aws_lb.mindr_alb.dns_name
}

output "backend_target_group_arn" {
  value = aws_lb_target_group.mindr_backend.arn
}

output "frontend_target_group_arn" {
  value = aws_lb_target_group.mindr_frontend.arn
}
