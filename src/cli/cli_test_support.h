// The command line against a scripted server: what is asked, what is printed, how it ends.
#pragma once

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/temporary_directory_test_support.h"
#include "cli/environment.h"

namespace slipway::cli {

namespace fs = std::filesystem;

inline std::string operation(std::string_view state) {
    return fmt::format(
        R"({{"id":"op_1","kind":"deprovision","state":"{}","reason":null,"progress":{{"done":1,"total":2,"sentence":"removing it"}}}})",
        state);
}

class CliTest : public testing::Test {
  public:
    CliTest() { environment.variables = {{"HOME", place}, {"SLIPWAY_KEY", "the-key"}}; }

  protected:
    // Ends as the program would.
    int run(std::vector<std::string> arguments) {
        out.str("");
        out.clear();
        err.str("");
        return cli::run(std::move(arguments), environment,
                        {{"serve", "run the server"}, {"agent", "run the helper"}});
    }
    void answer(int status, std::string body) {
        answers.emplace_back(net::HttpAnswer{status, {}, std::move(body)});
    }
    // Of whom the key is: asked for before resources are listed.
    void own() { answer(200, R"({"organization":"default","role":"administrator","actor":"key_1"})"); }
    void nobody() { answers.emplace_back(fail(ErrorCode::unavailable, "connecting failed: Connection refused")); }
    // "GET /path" of every call since the last look.
    std::vector<std::string> asked() {
        std::vector<std::string> all;
        all.reserve(calls.size());
        for (const auto& call : calls) all.push_back(call.method + " " + call.target);
        return all;
    }
    std::string field(std::size_t call, std::string_view name) const {
        for (const auto& [key, value] : calls.at(call).headers) {
            if (key == name) return value;
        }
        return {};
    }
    // A script that is to be over by now.
    void TearDown() override { EXPECT_TRUE(answers.empty()) << answers.size() << " answers were not asked for"; }

    TemporaryDirectory directory;
    std::string place = directory.path();
    std::ostringstream out;
    std::ostringstream err;
    std::deque<Result<net::HttpAnswer>> answers;
    std::vector<net::HttpCall> calls;
    std::vector<net::Origin> origins;
    TimePoint time{};
    std::size_t interrupt_at = SIZE_MAX;  // the call during which somebody presses Ctrl-C
    std::optional<bool> said = std::nullopt;
    std::vector<std::string> questions;
    int keys = 0;
    Environment environment{
        .variables = {},
        .out = out,
        .err = err,
        .call = [this](const net::Origin& origin, net::HttpCall call) { return reply(origin, std::move(call)); },
        .pause = [this](Duration delay) { time += delay; },
        .now = [this] { return time; },
        .interrupted = [this] { return calls.size() >= interrupt_at; },
        .confirm =
            [this](std::string_view question) {
                questions.emplace_back(question);
                return said;
            },
        .fresh_key = [this] { return fmt::format("key-{}", ++keys); }};

  private:
    Result<net::HttpAnswer> reply(const net::Origin& origin, net::HttpCall call) {
        origins.push_back(origin);
        calls.push_back(std::move(call));
        time += std::chrono::seconds(1);
        if (environment.tick) environment.tick();
        if (calls.size() >= interrupt_at) return fail(ErrorCode::cancelled, "interrupted");
        if (answers.empty()) return fail(ErrorCode::unavailable, "the script has ended");
        auto next = std::move(answers.front());
        answers.pop_front();
        // A stream's body comes in pieces.
        const auto& sink = calls.back().sink;
        if (next && sink && next->status / 100 == 2) {
            std::string_view rest = next->body;
            while (!rest.empty()) {
                const std::string_view piece = rest.substr(0, 7);
                rest.remove_prefix(piece.size());
                if (!sink(piece)) break;
            }
            next->body.clear();
        }
        return next;
    }
};

}  // namespace slipway::cli
