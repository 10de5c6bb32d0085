terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

# The one difference between AWS and Weir: where the APIs are.
provider "aws" {
  region = var.region

  dynamic "endpoints" {
    for_each = var.endpoint == null ? [] : [var.endpoint]
    content {
      cloudwatch = endpoints.value
      ec2        = endpoints.value
      elbv2      = endpoints.value
      sts        = endpoints.value
    }
  }
}
