#include "store/codec.h"
#include "store/json_in.h"
#include "store/json_out.h"

namespace slipway::store {

std::string encode(const Webhook& webhook) {
    // A member that is added to a webhook does not compile here before it is written and read as well.
    const auto& [id, organization, url, secret, types, enabled, cursor, failures, next_attempt, last_error,
                 delivered_at, created_at, version] = webhook;
    static_cast<void>(version);  // a column
    JsonOut out;
    out.begin_object();
    out.text("id", id.str());
    out.text("organization", organization.str());
    out.text("url", url);
    out.begin_object("secret");
    out.text("key", secret.key_id);
    out.text("ciphertext", secret.ciphertext);
    out.end_object();
    out.texts("types", types);
    out.boolean("enabled", enabled);
    out.number("cursor", cursor);
    out.number("failures", failures);
    out.time("next_attempt", next_attempt);
    out.text("last_error", last_error);
    if (delivered_at) out.time("delivered_at", *delivered_at);
    out.time("created_at", created_at);
    out.end_object();
    return out.take();
}

Result<Webhook> decode_webhook(std::string_view id, std::string_view body, std::uint64_t version) {
    JsonDocument document(body, fmt::format("webhook {}", id));
    JsonIn in = document.root();
    Webhook out;
    out.id = WebhookId(in.text("id"));
    out.organization = OrganizationId(in.text("organization"));
    out.url = in.text("url");
    JsonIn secret = in.object("secret");
    out.secret = {secret.text("key"), secret.text("ciphertext")};
    out.types = in.texts("types");
    out.enabled = in.boolean("enabled");
    out.cursor = in.natural("cursor");
    out.failures = in.natural_as<std::uint32_t>("failures");
    out.next_attempt = in.time("next_attempt");
    out.last_error = in.text("last_error");
    if (in.has("delivered_at")) out.delivered_at = in.time("delivered_at");
    out.created_at = in.time("created_at");
    out.version = version;
    if (out.id.str() != id) document.complain("id", "names another webhook");
    if (document.problem()) return fail(*document.problem());
    return out;
}

}  // namespace slipway::store
