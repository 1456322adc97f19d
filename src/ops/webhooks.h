// Delivers events to webhooks: in order, at least once, each webhook on its own.
//
// A webhook's cursor says how far it came. It is written after a delivery, never before: after a crash the last few
// deliveries may come again, with the same webhook-id.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/random.h"
#include "base/scheduler.h"
#include "base/sealer.h"
#include "ops/signal.h"
#include "store/store.h"

namespace slipway {

struct WebhookPost {
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Duration limit{};
};
// Posts and answers the status. Errors (their messages are shown to the webhook's owner): unavailable, timeout,
// forbidden (an address that may not be posted to), malformed. Redirects are answers like any other.
using WebhookPoster = std::function<Task<Result<int>>(WebhookPost)>;

struct WebhookOptions {
    Duration call_limit = std::chrono::seconds(10);
    Duration first_delay = std::chrono::seconds(5);  // doubled with every failure in a row, with jitter …
    Duration max_delay = std::chrono::hours(1);      // … up to this
    std::uint32_t max_failures = 130;                // in a row, about 5 days: then it is disabled
    std::uint32_t page = 100;                        // events read at once
    std::uint32_t concurrency = 16;                  // webhooks delivered to at once
    std::uint64_t lag = 1000;                        // events passed over before the cursor is written all the same
    Duration scan_interval = std::chrono::seconds(5);
    Duration pause = std::chrono::milliseconds(20);  // hints closer together than this are one
};

struct WebhookTest {
    bool delivered = false;
    int status = 0;     // 0: no answer
    std::string error;  // public
};

// Everything runs on the executor; hint() is thread-safe.
class WebhookDelivery : public std::enable_shared_from_this<WebhookDelivery> {
  public:
    struct Parts {
        Store& store;
        const Sealer& sealer;
        const Clock& clock;
        Scheduler& scheduler;
        Random& random;
        boost::asio::any_io_executor executor;
        WebhookPoster post;
        std::function<std::string(const Event&)> render;  // the body: JSON
    };
    static std::shared_ptr<WebhookDelivery> make(Parts parts, WebhookOptions options);

    void start();
    void stop();
    // There are new events, or a webhook was made or changed.
    void hint();
    // Posts one "webhook.test" event now; nothing is written.
    Task<Result<WebhookTest>> test(Webhook webhook);

  private:
    WebhookDelivery(Parts parts, WebhookOptions options);
    Task<void> loop();
    Task<void> scan_now_and_then();
    Task<bool> scan();
    Task<void> serve(Webhook webhook);
    // False: this webhook is done with for now.
    Task<bool> deliver_page(Webhook& webhook);
    Task<Result<int>> send(const Webhook& webhook, const Event& event);
    void note_failure(Webhook& webhook, std::string why);
    Task<bool> save(Webhook& webhook);
    [[nodiscard]] EventDraft disabled_event(const Webhook& webhook) const;

    Parts parts_;
    WebhookOptions options_;
    Signal signal_;
    std::atomic<bool> hinted_ = false;  // so that the hints of a busy store cost nothing
    std::set<WebhookId> busy_;
    std::map<WebhookId, std::uint64_t> passed_over_;  // cursors ahead of the stored ones
    bool stopping_ = false;
};

}  // namespace slipway
