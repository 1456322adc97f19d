#include "main/serve.h"

#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "base/log.h"
#include "main/process_setup.h"
#include "main/service.h"
#include "main/settings.h"

namespace slipway {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int refuse_settings(const Error& error) {
    fmt::print(stderr, "slipway serve: {}\n", error.message);
    for (const FieldProblem& each : error.problems) fmt::print(stderr, "  {}: {}\n", each.field, each.problem);
    return kWrongUsage;
}

void say(const std::string& line) {
    fmt::print(stdout, "{}\n", line);
    std::fflush(stdout);
}

int run(const Settings& settings) {
    auto service = Service::start(settings);
    if (!service) {
        log::error("main", "the server cannot run",
                   {{"why", service.error().message}, {"detail", service.error().detail}});
        return service.error().code == ErrorCode::invalid_argument ? kWrongUsage : kFailed;
    }
    for (const std::string& address : (*service)->addresses()) say("listening on " + address);
    const std::string signal = wait_for_stop_signal();
    log::info("main", "stopping", {{"signal", signal}});
    (*service)->stop();
    log::info("main", "stopped");
    return 0;
}

}  // namespace

int serve(std::vector<std::string> words) {
    const auto settings = read_settings(std::move(words), process_environment());
    if (!settings && settings.error().code == ErrorCode::cancelled) {
        fmt::print(stdout, "{}", settings.error().message);
        return 0;
    }
    if (!settings) return refuse_settings(settings.error());
    if (settings->check_only) {
        say("the configuration is good");
        return 0;
    }
    log::configure(settings->config.log.level, settings->config.log.format);
    harden_process();
    block_stop_signals();
    try {
        return run(*settings);
    } catch (const std::exception& error) {
        log::error("main", "the server cannot run", {{"why", error.what()}});
        return kFailed;
    }
}

}  // namespace slipway
