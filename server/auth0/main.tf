# Handover's Action and its place in the post-login trigger. Actions that are bound in the dashboard stay where they are; do
# not use it beside `auth0_trigger_actions` on `post-login`: that one owns the whole list, so name this Action there.
# Terraform keeps the secrets in its state as they are: keep the state where secrets may be.

terraform {
  required_providers {
    auth0 = {
      source  = "auth0/auth0"
      version = ">= 1.11"
    }
  }
}

variable "handover_url" {
  description = "Where the webhook listens: https://…"
  type        = string
}

variable "handover_secret" {
  description = "whsec_ and base64 of 24 to 64 bytes; one of the secrets that the server has"
  type        = string
  sensitive   = true
}

variable "handover_roots" {
  description = "The roots that may leave the tenant: what `handover check` prints behind HANDOVER_ROOTS="
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
