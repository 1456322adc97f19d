// For tests that plant secrets and look for them: the fixture, and a receiver of webhooks that keeps all it is
// sent.
#pragma once

#include <gtest/gtest.h>

#include "canaries.h"
#include "http/tls_test_support.h"
#include "program.h"

namespace slipway::testing {

// Somebody's HTTP server that keeps all that it is sent.
class Recorder {
  public:
    Recorder() {
        http::Router router;
        router.add(http::Method::post, "/takes/:token", [this](http::Request& it) { return keep(it, 204); });
        router.add(http::Method::post, "/fails/:token", [this](http::Request& it) { return keep(it, 500); });
        http::ServerOptions options;
        options.listen = {"127.0.0.1:0"};
        options.threads = 1;
        options.access_log = false;
        server_ = std::make_unique<http::Server>(std::move(options), std::move(router), clock_, random_);
        EXPECT_TRUE(server_->start());
    }
    ~Recorder() { server_->stop(std::chrono::seconds(1)); }
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    [[nodiscard]] std::string address() const { return server_->listeners().at(0).address; }
    // Bodies and the fields that webhooks have, all one after the other.
    [[nodiscard]] std::string kept() const {
        const std::scoped_lock lock(mutex_);
        return kept_;
    }

  private:
    Task<http::Response> keep(http::Request& request, int status) {
        const std::scoped_lock lock(mutex_);
        for (const char* name : {"webhook-id", "webhook-timestamp", "webhook-signature", "traceparent",
                                 "tracestate", "authorization", "cookie", "user-agent", "host"}) {
            kept_ += fmt::format("{}: {}\n", name, request.headers.get(name).value_or(""));
        }
        kept_ += request.body + "\n";
        co_return http::Response::empty(status);
    }

    mutable std::mutex mutex_;
    std::string kept_;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<http::Server> server_;
};

class CanaryTest : public ::testing::Test {
  protected:
    std::string plant(const std::string& name) { return canaries_.plant(name); }

    // Nothing of a secret is in it, but for the ones that belong there, and those are.
    void expect_clean(const std::string& where, const std::string& text,
                      const std::set<std::string>& but = {}) const {
        EXPECT_EQ(canaries_.found_in(text), but) << "in " << where << ":\n" << text.substr(0, 4000);
    }

    struct Ended {
        int status = -1;
        std::string out;
        std::string err;
    };
    // Runs `slipway` with these words to its end.
    [[nodiscard]] Ended run(std::vector<std::string> words,
                            const std::map<std::string, std::string>& environment = {}) const {
        const std::filesystem::path log = pems_.write("said", "");
        Program program(std::move(words), environment, log);
        Ended ended;
        ended.out = program.rest();
        ended.status = program.wait().value_or(-1);
        ended.err = file_text(log);
        return ended;
    }

    Canaries canaries_;
    http::test::PemFolder pems_;
    Site site_;
};

}  // namespace slipway::testing
