#include "ops/webhooks.h"

#include <algorithm>
#include <cmath>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "ops/webhook_signature.h"

namespace slipway {
namespace {

namespace asio = boost::asio;

constexpr int kSaveTries = 5;

bool worked(const Result<int>& answer) { return answer && *answer >= 200 && *answer < 300; }

std::string why_not(const Result<int>& answer) {
    return answer ? fmt::format("it answered {}", *answer) : answer.error().message;
}

EventFilter filter_of(const Webhook& webhook) {
    EventFilter filter;
    if (!webhook.organization.empty()) filter.organization = webhook.organization;
    filter.types = webhook.types;
    return filter;
}

}  // namespace

std::shared_ptr<WebhookDelivery> WebhookDelivery::make(Parts parts, WebhookOptions options) {
    return std::shared_ptr<WebhookDelivery>(new WebhookDelivery(std::move(parts), options));
}

WebhookDelivery::WebhookDelivery(Parts parts, WebhookOptions options)
    : parts_(std::move(parts)), options_(options), signal_(parts_.executor) {}

void WebhookDelivery::start() {
    const auto spawn = [this](Task<void> (WebhookDelivery::*run)()) {
        asio::co_spawn(
            parts_.executor, [self = shared_from_this(), run]() -> Task<void> { co_await ((*self).*run)(); },
            asio::detached);
    };
    spawn(&WebhookDelivery::loop);
    spawn(&WebhookDelivery::scan_now_and_then);
}

void WebhookDelivery::stop() {
    stopping_ = true;
    signal_.notify();
}

void WebhookDelivery::hint() {
    if (hinted_.exchange(true)) return;
    asio::post(parts_.executor, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->signal_.notify();
    });
}

// Retries become due by time alone.
Task<void> WebhookDelivery::scan_now_and_then() {
    while (!stopping_) {
        signal_.notify();
        co_await parts_.scheduler.sleep(options_.scan_interval);
    }
}

Task<void> WebhookDelivery::loop() {
    while (!stopping_) {
        co_await signal_.wait();
        if (stopping_) co_return;
        hinted_ = false;
        const bool read = co_await scan();
        co_await parts_.scheduler.sleep(read ? options_.pause : options_.first_delay);
    }
}

// False: the store could not be read.
Task<bool> WebhookDelivery::scan() {
    auto webhooks = co_await parts_.store.webhooks();
    if (!webhooks) {
        log::error("webhooks", "they cannot be read", {{"error", webhooks.error().message}});
        co_return false;
    }
    std::erase_if(passed_over_, [&](const auto& entry) {
        return std::ranges::none_of(*webhooks, [&](const Webhook& each) { return each.id == entry.first; });
    });
    const TimePoint now = parts_.clock.now();
    for (Webhook& webhook : *webhooks) {
        if (!webhook.enabled || webhook.next_attempt > now || busy_.contains(webhook.id)) continue;
        if (busy_.size() >= options_.concurrency) break;  // each that ends gives a hint
        busy_.insert(webhook.id);
        asio::co_spawn(
            parts_.executor,
            [self = shared_from_this(), webhook = std::move(webhook)]() mutable -> Task<void> {
                const WebhookId id = webhook.id;
                co_await self->serve(std::move(webhook));
                self->busy_.erase(id);
            },
            asio::detached);
    }
    co_return true;
}

Task<void> WebhookDelivery::serve(Webhook webhook) {
    const auto ahead = passed_over_.find(webhook.id);
    const std::uint64_t stored = webhook.cursor;
    if (ahead != passed_over_.end()) webhook.cursor = std::max(webhook.cursor, ahead->second);
    while (!stopping_ && co_await deliver_page(webhook)) {
    }
    if (webhook.cursor > stored) passed_over_[webhook.id] = webhook.cursor;
    // Somebody who was turned away because too many were busy may go now.
    if (busy_.size() >= options_.concurrency) signal_.notify();
}

Task<bool> WebhookDelivery::deliver_page(Webhook& webhook) {
    const std::uint64_t begin = webhook.cursor;
    const auto page = co_await parts_.store.events(filter_of(webhook), webhook.cursor, options_.page);
    if (!page) co_return false;
    for (const Event& event : page->items) {
        if (stopping_) break;
        const Result<int> answer = co_await send(webhook, event);
        if (!worked(answer)) {
            note_failure(webhook, why_not(answer));
            co_await save(webhook);
            co_return false;
        }
        webhook.cursor = event.sequence;
        webhook.failures = 0;
        webhook.last_error.clear();
        webhook.delivered_at = parts_.clock.now();
    }
    if (!stopping_) webhook.cursor = std::max(webhook.cursor, page->scanned);
    const bool matter = !page->items.empty() || webhook.cursor - begin >= options_.lag;
    if (matter && webhook.cursor > begin && !co_await save(webhook)) co_return false;
    co_return page->more;
}

Task<Result<int>> WebhookDelivery::send(const Webhook& webhook, const Event& event) {
    const auto secret = parts_.sealer.open(webhook.secret, secret_context(webhook.id));
    if (!secret) co_return fail(ErrorCode::internal, "its secret cannot be opened with the keys that are here");
    WebhookPost post;
    post.url = webhook.url;
    post.limit = options_.call_limit;
    post.body = parts_.render(event);
    const std::string id = fmt::format("evt_{}", event.sequence);
    const std::string timestamp = webhook_timestamp(parts_.clock.now());
    auto signature = sign_webhook(*secret, id, timestamp, post.body);
    if (!signature) co_return fail(signature.error());
    post.headers = {{"webhook-id", id}, {"webhook-timestamp", timestamp}, {"webhook-signature", *signature}};
    if (!event.body.trace.empty()) post.headers.emplace_back("traceparent", event.body.trace);
    try {
        co_return co_await parts_.post(std::move(post));
    } catch (const std::exception& error) {
        log::error("webhooks", "a delivery threw", {{"webhook", webhook.id.str()}, {"what", error.what()}});
    }
    co_return fail(ErrorCode::unavailable, "the delivery broke off");
}

void WebhookDelivery::note_failure(Webhook& webhook, std::string why) {
    const double ceiling = std::min(static_cast<double>(options_.max_delay.count()),
                                    static_cast<double>(options_.first_delay.count()) *
                                        std::exp2(std::min<std::uint32_t>(webhook.failures, 30)));
    // Half of it for certain, so that a receiver that is down is not asked at once; the rest by chance, so that
    // many webhooks do not come back together.
    const auto delay = Duration(static_cast<Duration::rep>(ceiling * (0.5 + parts_.random.unit() / 2)));
    webhook.failures += 1;
    webhook.last_error = std::move(why);
    webhook.next_attempt = parts_.clock.now() + delay;
    log::info("webhooks", "a delivery failed",
              {{"webhook", webhook.id.str()},
               {"failures", fmt::format("{}", webhook.failures)},
               {"error", webhook.last_error}});
    if (webhook.failures < options_.max_failures) return;
    webhook.enabled = false;
}

EventDraft WebhookDelivery::disabled_event(const Webhook& webhook) const {
    EventDraft event;
    event.at = parts_.clock.now();
    event.type = "webhook.disabled";
    event.message = fmt::format("webhook {} was disabled after {} failures in a row: {}", webhook.id.str(),
                                webhook.failures, webhook.last_error);
    event.organization = webhook.organization.empty() ? OrganizationId(kSystemOrganization) : webhook.organization;
    event.actor = "webhooks";
    return event;
}

// Where its owner changed it meanwhile, what the owner said stays, and what was delivered is written to it. False:
// it is not there any more, or cannot be written.
Task<bool> WebhookDelivery::save(Webhook& webhook) {
    for (int tries = 0; tries < kSaveTries; ++tries) {
        Commit commit;
        if (!webhook.enabled) commit.events.push_back(disabled_event(webhook));
        commit.writes.emplace_back(write::PutWebhook{webhook});
        const auto answer = co_await parts_.store.commit(std::move(commit));
        if (!answer) co_return false;
        if (std::holds_alternative<Committed>(*answer)) {
            webhook.version += 1;
            co_return true;
        }
        const auto stored = co_await parts_.store.webhooks();
        if (!stored) co_return false;
        const auto found =
            std::ranges::find_if(*stored, [&](const Webhook& each) { return each.id == webhook.id; });
        if (found == stored->end()) co_return false;
        Webhook merged = *found;
        merged.cursor = std::max(merged.cursor, webhook.cursor);
        merged.failures = webhook.failures;
        merged.last_error = webhook.last_error;
        merged.next_attempt = webhook.next_attempt;
        merged.delivered_at = webhook.delivered_at;
        // Another address begins without the failures of this one, and one that was switched off stays so.
        if (!found->enabled || found->url != webhook.url) co_return false;
        merged.enabled = webhook.enabled;
        webhook = std::move(merged);
    }
    co_return false;
}

Task<Result<WebhookTest>> WebhookDelivery::test(Webhook webhook) {
    Event event;
    event.body.at = parts_.clock.now();
    event.body.type = "webhook.test";
    event.body.message = "this is a test of the webhook";
    event.body.organization = webhook.organization;
    const Result<int> answer = co_await send(webhook, event);
    WebhookTest result;
    result.delivered = worked(answer);
    result.status = answer ? *answer : 0;
    if (!result.delivered) result.error = why_not(answer);
    co_return result;
}

}  // namespace slipway
