# The names of the set-up: zones, records, a health check, a certificate, services that find each other.

resource "aws_route53_delegation_set" "main" {
  reference_name = local.name
}

resource "aws_route53_zone" "main" {
  name              = "shop.example.test"
  comment           = "the shop"
  delegation_set_id = aws_route53_delegation_set.main.id
  tags              = local.tags
}

resource "aws_route53_zone" "inside" {
  name = "inside.test"
  vpc {
    vpc_id = aws_vpc.main.id
  }
  tags = local.tags
}

resource "aws_route53_record" "apex" {
  zone_id = aws_route53_zone.main.zone_id
  name    = "shop.example.test"
  type    = "A"
  alias {
    name                   = aws_alb.main.dns_name
    zone_id                = aws_alb.main.zone_id
    evaluate_target_health = true
  }
}

resource "aws_route53_record" "weighted" {
  for_each       = { blue = 90, green = 10 }
  zone_id        = aws_route53_zone.main.zone_id
  name           = "www"
  type           = "CNAME"
  ttl            = 60
  set_identifier = each.key
  records        = ["${each.key}.shop.example.test"]
  weighted_routing_policy {
    weight = each.value
  }
}

resource "aws_route53_record" "text" {
  zone_id = aws_route53_zone.main.zone_id
  name    = "*.shop.example.test"
  type    = "TXT"
  ttl     = 300
  records = ["v=spf1 -all", "greeting=${var.greeting}"]
}

resource "aws_route53_health_check" "main" {
  fqdn              = "shop.example.test"
  port              = 80
  type              = "HTTP"
  resource_path     = "/"
  failure_threshold = 3
  request_interval  = 30
  tags              = local.tags
}

resource "aws_acm_certificate" "main" {
  domain_name               = "shop.example.test"
  subject_alternative_names = ["*.shop.example.test"]
  validation_method         = "DNS"
  tags                      = local.tags
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = {
    for option in aws_acm_certificate.main.domain_validation_options : option.domain_name => option
  }
  zone_id         = aws_route53_zone.main.zone_id
  name            = each.value.resource_record_name
  type            = each.value.resource_record_type
  ttl             = 60
  records         = [each.value.resource_record_value]
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "main" {
  certificate_arn         = aws_acm_certificate.main.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}

resource "aws_alb_listener" "https" {
  load_balancer_arn = aws_alb.main.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn
  default_action {
    type             = "forward"
    target_group_arn = aws_alb_target_group.main.arn
  }
}

resource "aws_alb_listener" "redirect" {
  load_balancer_arn = aws_alb.main.arn
  port              = 8080
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_service_discovery_private_dns_namespace" "main" {
  name = "shop.local"
  vpc  = aws_vpc.main.id
  tags = local.tags
}

resource "aws_service_discovery_service" "api" {
  name = "api"
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.main.id
    routing_policy = "MULTIVALUE"
    dns_records {
      type = "A"
      ttl  = 10
    }
  }
  tags = local.tags
}

resource "aws_service_discovery_instance" "fixed" {
  service_id  = aws_service_discovery_service.api.id
  instance_id = "fixed"
  attributes = {
    AWS_INSTANCE_IPV4 = "10.0.0.77"
  }
}

resource "aws_service_discovery_http_namespace" "calls" {
  name = "calls"
}

output "name_servers" {
  value = aws_route53_zone.main.name_servers
}
