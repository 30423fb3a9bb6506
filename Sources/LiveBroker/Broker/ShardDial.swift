// SPDX-License-Identifier: Apache-2.0

/// A dial that a shard wants done; what comes of it goes to the shard.
struct ShardDial: Sendable {
  var request: DialRequest
  var address: SessionAddress
  var ticket: Ticket

  func result(_ outcome: Result<any LiveConnection, TransportError>) -> DialResult {
    DialResult(generation: request.generation, outcome: outcome)
  }
}
