// SPDX-License-Identifier: Apache-2.0

/// Whose dial it is: who is told what comes of it.
struct ShardDial: Sendable {
  var address: SessionAddress
  var ticket: Ticket
  var generation: UInt32
}
