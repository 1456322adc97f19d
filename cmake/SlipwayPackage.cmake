# What is installed, and the Debian package made of it. scripts/package builds it; packaging/ has its parts.
set(prepared "${CMAKE_BINARY_DIR}/packaging")  # written by scripts/package

install(TARGETS slipway RUNTIME DESTINATION bin)
install(FILES packaging/slipway.service packaging/slipway-helper.service DESTINATION lib/systemd/system)
install(FILES packaging/helper-machines.conf DESTINATION share/slipway)
install(FILES "${prepared}/slipway.toml" DESTINATION /etc/slipway)
install(FILES "${prepared}/slipway.1.gz" DESTINATION share/man/man1)
# As they lie in the source, so that what one points to is found from the other.
install(DIRECTORY docs DESTINATION share/doc/slipway FILES_MATCHING PATTERN "*.md" PATTERN "grafana-dashboard.json"
  PATTERN man EXCLUDE)
install(FILES README.md Containerfile "${prepared}/changelog.gz" DESTINATION share/doc/slipway)
install(FILES completions/slipway.bash DESTINATION share/bash-completion/completions RENAME slipway OPTIONAL)
install(FILES completions/_slipway DESTINATION share/zsh/vendor-completions OPTIONAL)
install(FILES completions/slipway.fish DESTINATION share/fish/vendor_completions.d OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME slipway)
set(CPACK_PACKAGE_CONTACT "Slipway maintainers <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "self-service provisioning broker")
set(CPACK_PACKAGE_DESCRIPTION "One HTTP call gives a running Redis or memcached, a database of your own on a
shared PostgreSQL or MariaDB, a virtual machine or a container; one more takes it
away again and leaves nothing behind. One program with an embedded store, which survives crashes at any moment.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_VERBATIM_VARIABLES TRUE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS TRUE)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "redis-server, memcached, libnss-myhostname, ca-certificates")
# Not recommended: Debian's postgresql-15 makes a cluster and starts it, unless it is told not to (docs/operating.md).
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libvirt-daemon, libvirt-daemon-driver-qemu, qemu-system-x86, qemu-utils, genisoimage, iproute2, liblxc-common, e2fsprogs, ansible-core, sshpass, postgresql-15, mariadb-server-core, postgresql-client, mariadb-client")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${CMAKE_SOURCE_DIR}/packaging/debian/postinst;${CMAKE_SOURCE_DIR}/packaging/debian/prerm"
  "${CMAKE_SOURCE_DIR}/packaging/debian/postrm;${CMAKE_SOURCE_DIR}/packaging/debian/conffiles")
include(CPack)
