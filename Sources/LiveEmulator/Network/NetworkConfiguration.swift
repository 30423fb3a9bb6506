// SPDX-License-Identifier: Apache-2.0

/// How an emulated network behaves.
public struct NetworkConfiguration: Sendable, Hashable {
  /// One round trip between client and service. Default 50 ms. A message takes half of one, a dial
  /// three (TCP, TLS, upgrade; two without TLS), a close one.
  public var roundTrip: Duration = .milliseconds(50)
  /// How long the service works on a mint request. Default 30 ms. A mint takes one round trip (its
  /// HTTP connection is taken to be open) and this.
  public var mintProcessing: Duration = .milliseconds(30)
  /// After how long a client gives up on a mint request. Default 10 s.
  public var mintTimeout: Duration = .seconds(10)
  /// How long a pong waits at the service's edge. Default zero; 8 to 30 s have been seen.
  public var pongDelay: Duration = .zero
  /// How much a client that has stopped reading still takes into its receive buffer. Default
  /// 256 KiB. What goes beyond waits at the service, and comes one round trip after reading resumes.
  public var receiveWindow = 262_144
  /// How much waits for a client that has stopped reading before the service cuts the connection.
  /// Default 8 MiB.
  public var heldLimit = 8_388_608
  /// How much a client has under way before it is told that it is not writable. Default 1 MiB; it
  /// is told the opposite below half of it, and loses the connection at sixteen times of it.
  public var sendBuffer = 1_048_576
  /// Most bytes of one message that a client takes. Default 64 MiB, as the transport over sockets has
  /// it. A larger one ends its connection with an error and a close 1009.
  public var messageLimit = 64 << 20
  /// When the service notices that a half-open connection is dead. Default 30 s.
  public var silenceDetection: Duration = .seconds(30)
  /// What goes wrong by chance.
  public var faults = NetworkFaults()

  /// The documented defaults: a healthy network.
  public init() {}
}

/// What goes wrong by chance in an emulated network; the seed chooses. Nothing by default.
public struct NetworkFaults: Sendable, Hashable {
  /// Share of dials whose TCP connect is refused, `0...1`.
  public var dialRefused = 0.0
  /// Share of dials whose TCP connect is never answered.
  public var connectSilent = 0.0
  /// Share of dials whose upgrade is never answered; the service does not see it.
  public var upgradeSilent = 0.0
  /// Share of mint requests that do not reach the service.
  public var mintUnreachable = 0.0
  /// Connections are cut after a time that is uniform between zero and twice this one; nil: never.
  public var meanTimeToLoss: Duration?
  /// Connections fall silent in both directions, without a close, after a time that is uniform
  /// between zero and twice this one; nil: never.
  public var meanTimeToSilence: Duration?
  /// What is added to each trip of a message, uniform between zero and this. One connection's
  /// messages keep their order; those of different connections may overtake.
  public var jitter: Duration = .zero

  /// No faults.
  public init() {}
}

/// Directions in which an emulated network can be cut.
public struct NetworkPartition: OptionSet, Sendable, Hashable {
  /// One bit for each direction.
  public let rawValue: UInt8

  /// Makes a partition from its bits.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Nothing reaches the service.
  public static let toService = NetworkPartition(rawValue: 1)
  /// Nothing reaches the clients.
  public static let toClient = NetworkPartition(rawValue: 2)
  /// Nothing passes.
  public static let both: NetworkPartition = [.toService, .toClient]
}
