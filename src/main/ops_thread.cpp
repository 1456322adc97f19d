#include "main/ops_thread.h"

#include <exception>

#include "base/log.h"

namespace slipway {

OpsThread::~OpsThread() { stop(); }

void OpsThread::start() {
    thread_ = std::thread([this] { work(); });
}

void OpsThread::stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
}

// One piece of work that throws does not end all others.
void OpsThread::work() {
    for (;;) {
        try {
            context_.run();
            return;
        } catch (const std::exception& error) {
            log::error("main", "work on the engine's thread ended with an exception", {{"what", error.what()}});
        } catch (...) {
            log::error("main", "work on the engine's thread ended with an unknown exception");
        }
    }
}

}  // namespace slipway
