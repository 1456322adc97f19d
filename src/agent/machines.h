// What the helper does for machines: disks, the volume that tells a new one who it is, the daemon that runs them,
// and their network. The rest (what is started when, and with what) is the provider's, which talks to the daemon
// itself.
//
//   <root>/<daemon>/socket            where the daemon listens, for the broker's uid alone
//   <root>/<daemon>/data/             its own files: run/, config/, cache/, share/
//   <root>/<machine>/data/disk.qcow2  an overlay of an image
//   <root>/<machine>/data/seed.iso    a NoCloud volume of the instance's files, until the machine has read it
//   <root>/<machine>/seeded           it has
//
// All machines run as one uid, that of the daemon.
#pragma once

#include <map>
#include <string>

#include "agent/instances.h"
#include "agent/launch.h"
#include "agent/network.h"

namespace slipway::agent {

class Machines {
  public:
    struct Places {
        std::string root;          // of the instances, absolute
        std::string images;        // absolute; empty: there are none
        uid_t broker = 0;          // who may talk to the daemon
        uid_t container_uids = 0;  // the first of all that containers get (containers.h); 0: there are none
        std::string bridge = {};   // of the host's, that machines are joined to; empty: none
    };
    Machines(Places places, Rights rights, const std::map<std::string, std::string>& programs,
             Checkpoint checkpoint)
        : places_(std::move(places)), rights_(rights), programs_(programs), checkpoint_(std::move(checkpoint)) {}

    // For Instances::create. The disk has at least the size of its image.
    [[nodiscard]] Answer<SeedData> seed(const Seed& seed) const;
    // Answers whether the machine still has its volume, which is made of its files where it has never been there.
    // One without files is a template, and gets an empty one of the same size.
    [[nodiscard]] Answer<bool> add_volume(int directory, uid_t uid) const;
    // The machine has read it: it goes, and the files that it was made of, and the state that it began with.
    [[nodiscard]] Answer<void> drop_volume(int directory) const;

    // The files that tell a machine who it is; none, where it has read them.
    [[nodiscard]] static std::vector<std::string> seed_of(int directory);

    // How the daemon is started, but for its tag and its socket.
    [[nodiscard]] Answer<Launch> daemon(const std::string& name, int directory, uid_t uid,
                                        const std::string& network, bool kvm) const;
    // Ends the guests with which a former daemon that was killed was finding out what QEMU can do: nobody else
    // knows of them.
    void end_probes(const std::string& name, const std::string& network) const;
    // Kills the QEMU of that machine: its daemon would ask one that hangs, and wait.
    void end_guest(const std::string& name, const std::string& network) const;
    // Where it listens, for the broker's uid alone; what was there before goes.
    [[nodiscard]] Answer<UniqueFd> listen(const std::string& name, int directory) const;
    [[nodiscard]] const Places& places() const { return places_; }
    [[nodiscard]] Network network(const std::string& id) const;

  private:
    [[nodiscard]] std::string program(const std::string& name) const;
    [[nodiscard]] Launch launch_of(const std::string& name, int directory, uid_t uid) const;
    Answer<void> make_disk(const Seed& seed, int directory, uid_t uid) const;
    [[nodiscard]] Answer<bool> add_blank_volume(int directory, uid_t uid) const;
    Answer<void> make_home(int directory, uid_t uid) const;

    Places places_;
    Rights rights_;
    const std::map<std::string, std::string>& programs_;
    Checkpoint checkpoint_;
};

}  // namespace slipway::agent
