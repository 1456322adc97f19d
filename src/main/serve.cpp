#include "main/serve.h"

#include <cstdio>
#include <exception>

#include <fmt/format.h>

#include "base/log.h"
#include "http/tls.h"
#include "main/database_tls.h"
#include "main/process_setup.h"
#include "main/service.h"
#include "main/service_manager.h"
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

// What a start would find out only after it has made a state directory.
Status check_files(const Config& config) {
    const ServerConfig& server = config.server;
    if (!server.tls_cert.empty()) {
        if (Status good = http::check_tls({server.tls_cert, server.tls_key}); !good) return good;
    }
    const auto databases = load_database_tls(config.databases);
    return databases ? Status() : Status(fail(databases.error()));
}

int run(const Settings& settings, const ServiceManager& manager) {
    auto service = Service::start(settings);
    if (!service) {
        log::error("main", "the server cannot run",
                   {{"why", service.error().message}, {"detail", service.error().detail}});
        return service.error().code == ErrorCode::invalid_argument ? kWrongUsage : kFailed;
    }
    for (const std::string& address : (*service)->addresses()) say("listening on " + address);
    const std::string status = fmt::format("listening on {}", fmt::join((*service)->addresses(), ", "));
    manager.ready(status);
    Signal signal = wait_for_signal();
    for (; signal.reload; signal = wait_for_signal()) {
        manager.reloading();
        (*service)->reload();
        manager.ready(status);
    }
    log::info("main", "stopping", {{"signal", signal.name}});
    manager.stopping();
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
    if (const Status good = check_files(settings->config); !good) return refuse_settings(good.error());
    if (settings->check_only) {
        say("the configuration is good");
        return 0;
    }
    log::configure(settings->config.log.level, settings->config.log.format);
    harden_process();
    block_signals();
    try {
        return run(*settings, ServiceManager(process_environment()("NOTIFY_SOCKET").value_or("")));
    } catch (const std::exception& error) {
        log::error("main", "the server cannot run", {{"why", error.what()}});
        return kFailed;
    }
}

}  // namespace slipway
