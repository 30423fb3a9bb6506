// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// The far end of a transport under test, played by whoever tests it: a WebSocket server that does
/// what it is told and reports what it sees.
///
/// The suite uses one connection attempt at a time unless a check says otherwise.
public protocol ConformancePeer: Sendable {
  /// Where to dial. The suite uses it with credentials of its own.
  var endpoint: LiveEndpoint { get }

  /// Where nobody listens, so that a dial is refused at once; nil if there is no such place.
  var deadEndpoint: LiveEndpoint? { get }

  /// What this peer can do besides the least.
  var abilities: ConformanceAbilities { get }

  /// How upgrades are met from now on. A dial that was given up before may still arrive later.
  func meetUpgrades(_ answer: ConformanceUpgrade) async

  /// The connection that was accepted next, in order; nil if none comes in good time.
  func nextConnection() async -> (any ConformancePeerConnection)?
}

/// One accepted connection, seen from the peer.
public protocol ConformancePeerConnection: Sendable {
  /// The ephemeral token with which it was opened, found where the service looks for it.
  var token: String { get }

  /// What arrived next, in order; nil if nothing comes in good time.
  func nextEvent() async -> ConformancePeerEvent?

  /// Does something; returns once it is on its way, read by the client or not.
  func perform(_ action: ConformancePeerAction) async
}

/// How a peer meets an upgrade.
public enum ConformanceUpgrade: Sendable, Hashable {
  /// With 101. The normal case.
  case accept
  /// With 101, and a close frame right behind it.
  case acceptAndClose(code: UInt16, reason: String)
  /// With another status.
  case refuse(status: Int, retryAfter: Duration?)
  /// Not at all: the connection stands, and nothing comes.
  case ignore
}

/// What a peer sees on a connection.
public enum ConformancePeerEvent: Sendable, Hashable {
  /// A whole message.
  case message([UInt8])
  /// A ping with its data. The peer has answered it.
  case ping([UInt8])
  /// A pong with its data.
  case pong([UInt8])
  /// A close frame. The peer has answered it, unless it was told not to.
  case close(code: UInt16?, reason: String)
  /// The connection is gone, be it after a close handshake or without one.
  case ended
}

/// What a peer can be told to do.
public enum ConformancePeerAction: Sendable, Hashable {
  /// Sends a message, as text or binary, in one frame or in several.
  case send([UInt8], asText: Bool, frames: Int)
  /// Sends a ping. Needs ``ConformanceAbilities/pings``.
  case ping([UInt8])
  /// Sends a close frame; without a code only with ``ConformanceAbilities/closesWithoutCode``.
  case close(code: UInt16?, reason: String)
  /// Ends the connection without a close frame.
  case drop
  /// Answers close frames, or does not; it does in the beginning.
  case answerCloses(Bool)
  /// Sends bytes as they are. Needs ``ConformanceAbilities/rawBytes``.
  case sendRaw([UInt8])
  /// Stops reading what the client sends, or reads on; it reads in the beginning. Needs
  /// ``ConformanceAbilities/stopsReading``.
  case read(Bool)
}

/// What a peer, and the transport with it, can do besides the least.
public struct ConformanceAbilities: OptionSet, Sendable, Hashable {
  /// One bit for each ability.
  public let rawValue: UInt16

  /// Makes a set from its bits.
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The peer can fragment messages.
  public static let fragments = ConformanceAbilities(rawValue: 1)
  /// The peer can send pings, and reports pings with their data.
  public static let pings = ConformanceAbilities(rawValue: 2)
  /// The peer can send a close frame without a code.
  public static let closesWithoutCode = ConformanceAbilities(rawValue: 4)
  /// The peer can send any bytes, so that it can break the protocol.
  public static let rawBytes = ConformanceAbilities(rawValue: 8)
  /// The transport gives up a close that is not answered.
  public static let boundsCloses = ConformanceAbilities(rawValue: 16)
  /// The transport calls the sink on the executor of the dial.
  public static let callsOnExecutor = ConformanceAbilities(rawValue: 32)
  /// The peer can stop reading, so that what the transport is given to send piles up there. The
  /// transport must tell of that within 64 MiB.
  public static let stopsReading = ConformanceAbilities(rawValue: 64)
}

/// Something that a transport did and should not, or did not and should.
public struct ConformanceViolation: Sendable, Hashable, CustomStringConvertible {
  /// Name of the check, a sentence that is not true of the transport.
  public let check: String
  /// What was seen.
  public let message: String

  /// Which check failed, and how.
  public var description: String { "\(check): \(message)" }
}
