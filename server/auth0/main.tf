# Handover's Action and its place in the post-login trigger. The trigger's other Actions stay where they are.

terraform {
  required_providers {
    auth0 = {
      source  = "auth0/auth0"
      version = ">= 1.3"
    }
  }
}

variable "handover_url" {
  description = "Where the webhook listens: https://…"
  type        = string
}

variable "handover_secret" {
  description = "whsec_ and base64 of at least 24 bytes; the server has it in HANDOVER_SECRETS"
  type        = string
  sensitive   = true
}

variable "handover_roots" {
  description = "The roots that may leave the tenant: the line that `handover check` prints"
  type        = string
}

variable "handover_mode" {
  description = "observe (calls and logs), apply, or off"
  type        = string
  default     = "observe"

  validation {
    condition     = contains(["observe", "apply", "off"], var.handover_mode)
    error_message = "handover_mode is observe, apply or off."
  }
}

resource "auth0_action" "handover" {
  name    = "Handover"
  runtime = "node22"
  deploy  = true
  code    = file("${path.module}/handover.action.js")

  supported_triggers {
    id      = "post-login"
    version = "v3"
  }

  secrets {
    name  = "HANDOVER_URL"
    value = var.handover_url
  }

  secrets {
    name  = "HANDOVER_SECRET"
    value = var.handover_secret
  }

  secrets {
    name  = "HANDOVER_ROOTS"
    value = var.handover_roots
  }

  secrets {
    name  = "HANDOVER_MODE"
    value = var.handover_mode
  }
}

resource "auth0_trigger_action" "handover" {
  trigger   = "post-login"
  action_id = auth0_action.handover.id
}
