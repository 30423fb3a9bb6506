// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// One connection as the network sees it: its two ends, and what is between them.
struct NetworkLink: Sendable {
  /// What the client's end is doing.
  enum ClientEnd: Sendable { case dialing, open, closing, finished }

  /// What the service's end is doing. `absent`: no upgrade has arrived yet.
  enum ServiceEnd: Sendable { case absent, open, closing, gone }

  /// Zero for a place that is free.
  var id: ConnectionID = 0
  var client = ClientEnd.finished
  var service = ServiceEnd.absent
  /// Whether an upgrade is on its way to the service, or has been there.
  var upgradeSent = false
  /// The client's close frame has been processed at the service, whose answer is due.
  var closeArrived = false
  /// Half open: nothing passes in either direction, and nobody is told.
  var isSilent = false

  var credential: Credential?
  var version = ""
  var usesTLS = true
  var timeouts = DialTimeouts()
  var phaseBegan: Int64 = 0
  var retryAfter: Duration?

  var isReading = true
  /// What has arrived for a client that does not read.
  var held: Ring<Flight.Kind>?
  var heldBytes = 0

  /// Bytes that the client has sent and the service has not received.
  var outboundBytes = 0
  var isBlocked = false

  var latestToClient = Int64.min
  var latestToService = Int64.min

  /// Whether neither end will ever need it again.
  var isOver: Bool {
    guard client == .finished else { return false }
    return service == .gone || (service == .absent && !upgradeSent)
  }
}

/// A mint request under way.
struct MintCall: Sendable {
  var credential: Credential
  var body: [UInt8]
  var began: Int64
  var answer: MintAnswer?
}

/// What the network's hands do at a client.
enum NetworkEffect: Sendable {
  case nothing
  case opened(Int)
  case dialFailed(Int, TransportError)
  case deliver(Int, [UInt8])
  case pong(Int, [UInt8])
  case writable(Int, Bool)
  case closed(Int, code: UInt16?, reason: String)
  case lost(Int)
  case tooLarge(Int)
  case mintAnswered(UInt64, MintAnswer)
  case mintTimedOut(UInt64)
}
