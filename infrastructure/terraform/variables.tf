variable "endpoint" {
  description = "Where the AWS APIs are, as http://127.0.0.1:4566 for Weir; AWS itself when null"
  type        = string
  default     = null
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "environment" {
  type    = string
  default = "dev"
}

variable "vpc_id" {
  description = "The default VPC when null"
  type        = string
  default     = null
}

variable "subnet_ids" {
  description = "Two or more, in different zones; two of the VPC's own when null"
  type        = list(string)
  default     = null
}

variable "http_port" {
  type    = number
  default = 80
}

variable "certificate_arn" {
  description = "Certificate of the HTTPS listener; HTTP alone when null"
  type        = string
  default     = null
}

variable "allowed_cidr" {
  description = "Who may come"
  type        = string
  default     = "0.0.0.0/0"
}

variable "idle_timeout" {
  description = "Longest silence of a stream, in seconds"
  type        = number
  default     = 180
}

variable "backend_addresses" {
  description = "Backends as {address = port}"
  type        = map(number)
  default     = {}
}

variable "frontend_addresses" {
  description = "Frontends as {address = port}"
  type        = map(number)
  default     = {}
}

variable "access_logs_bucket" {
  description = "Bucket for access logs; none when null"
  type        = string
  default     = null
}
