// What the helper does for containers: the files of images, disks, and the monitor that runs each.
//
//   <root>/.roots/<image>/data      the image's files, unpacked once; of ids that nothing on this host has
//   <root>/<container>/data/disk    what the container changed: ext4, sparse, of its plan's size; root's
//   <root>/<container>/data/console.log   what it printed, and .1 what it printed before
//   <root>/<container>/seeded       it has read who it is (machines.h)
//
// A container lives by its monitor (container_run.h), which is a process of root in mounts of its own and holds the
// instance's lock. Where the monitor dies the kernel kills the container, and mounts, loop device and veth pair go
// with the last of its processes. What stays are control groups, which `end` removes.
//
// Root in a container is nobody on the host. Its ids are kIdCount of the host's, from
// `container_uids` + kIdCount × N on, where N is the number of its address in the subnet: as different as addresses
// are. N = 0 are the ids of the unpacked images, which no container runs as.
#pragma once

#include <map>
#include <string>

#include "agent/cgroups.h"
#include "agent/container_config.h"
#include "agent/instances.h"
#include "agent/launch.h"
#include "agent/network.h"

namespace slipway::agent {

class Containers {
  public:
    struct Places {
        std::string root;    // of the instances, absolute
        std::string images;  // absolute; empty: there are none
        uid_t first = 0;     // of all ids of containers; 0: none are made
    };
    // `roots`: the directory of unpacked images.
    Containers(Places places, int roots, Rights rights, const std::map<std::string, std::string>& programs,
               Checkpoint checkpoint)
        : places_(std::move(places)),
          roots_(roots),
          rights_(rights),
          programs_(programs),
          checkpoint_(std::move(checkpoint)) {}

    // Unsupported, with what is missing, where this host cannot run any.
    [[nodiscard]] Answer<void> check() const;
    // For Instances::create: unpacks the image where nobody has, which takes seconds for a large one.
    [[nodiscard]] Answer<SeedData> seed(const Seed& seed) const;
    // Runs it: its address is connected, and its monitor started. What an earlier one left is ended first. Whether
    // it came up is told by whether its monitor stays.
    [[nodiscard]] Answer<Process> start(const ContainerPlan& wanted, const std::string& image, const Tap& tap,
                                        const Network& network, const std::string& tag, int directory) const;
    // Its control group in that network.
    [[nodiscard]] static std::string group_of(const Network& network, const std::string& name);
    // Ends it at once: monitor, processes, control groups. Done already is fine.
    [[nodiscard]] Answer<void> end(const std::string& name, const Network& network, int directory) const;
    // Forgets the files of images that are gone and that no instance is made of.
    [[nodiscard]] Answer<void> prune(const Instances& instances) const;
    // The host's id of its root. Invalid: there are no ids for an address that far up.
    [[nodiscard]] Answer<uid_t> first_id(const boost::asio::ip::address_v4& address,
                                         const boost::asio::ip::network_v4& subnet) const;

  private:
    [[nodiscard]] std::string program(const std::string& name) const;
    [[nodiscard]] Launch launch_of(const std::string& name, int directory) const;
    [[nodiscard]] Answer<void> unpack(const std::string& image) const;
    [[nodiscard]] Answer<void> fill(int directory, const std::string& image) const;
    [[nodiscard]] Answer<void> make_disk(const Seed& seed, int directory, uid_t uid) const;
    [[nodiscard]] Answer<void> await_disk(const std::string& name) const;
    [[nodiscard]] std::string disk_of(const std::string& name) const;

    Places places_;
    int roots_;
    Rights rights_;
    const std::map<std::string, std::string>& programs_;
    Checkpoint checkpoint_;
    Cgroups cgroups_;
};

}  // namespace slipway::agent
