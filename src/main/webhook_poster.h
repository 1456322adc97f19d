// How webhooks are posted: the outgoing HTTP client, held to what a stranger's address may be.
#pragma once

#include <memory>

#include "net/trust.h"
#include "ops/webhooks.h"

namespace slipway {

// `allow_private`: also to addresses of this machine and of private networks. Redirects are not followed; at most
// 64 KiB of an answer are read.
WebhookPoster make_webhook_poster(std::shared_ptr<const net::Trust> trust, bool allow_private);

}  // namespace slipway
