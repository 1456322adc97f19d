// What the native face asks of parts that it may not see: readiness, the doctor, orphans and the sweep.
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "faces/native/ports.h"
#include "main/config.h"
#include "main/state_dir.h"
#include "main/status_board.h"
#include "main/sync_probe.h"
#include "ops/sweeper.h"
#include "ops/webhooks.h"
#include "store/store.h"

namespace slipway {

// All outlive the ports. The sweeper and the webhooks are used on `ops` only.
struct AdminParts {
    const Config& config;
    const Catalog& catalog;
    const StateDir& state_dir;
    const StatusBoard& board;
    Store& store;
    Sweeper& sweeper;
    WebhookDelivery& webhooks;
    SyncProbe& disk;
    boost::asio::any_io_executor ops;
    // How machines are run, in words; asked on `ops`. Empty: they are not, for a reason that the board says.
    std::function<std::string()> acceleration;
};

faces::NativePorts admin_ports(AdminParts parts);

// Everything about this server and its machine that an administrator should know, within some seconds whatever
// the disk and the resolver do. Called on any thread.
Task<Result<std::vector<faces::Finding>>> examine(AdminParts parts);

}  // namespace slipway
