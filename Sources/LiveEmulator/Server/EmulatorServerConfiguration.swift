// SPDX-License-Identifier: Apache-2.0

#if NIO
public import LiveBroker

/// How an ``EmulatorServer`` listens and misbehaves. The defaults are a faithful, healthy service on a
/// free port of the loopback interface, without TLS.
public struct EmulatorServerConfiguration: Sendable {
  /// The service behind the sockets: lifetimes, limits, its own faults.
  public var service = ServiceConfiguration()
  /// Chooses every fault and every jitter. Default 1.
  public var seed: UInt64 = 1
  /// Address or name to listen on. Default `127.0.0.1`.
  public var host = "127.0.0.1"
  /// TCP port; 0 lets the system choose one. Default 0.
  public var port = 0
  /// Certificate and key; nil serves plain HTTP and WebSocket. Default nil.
  public var identity: ServerIdentity?
  /// What bounds its memory and patience.
  public var limits = ServerLimits()
  /// What is in dispute about the real service, or differs between versions of it.
  public var variants = ServerVariants()
  /// Faults of the network in front of the service.
  public var faults = ServerFaults()
  /// Gives the calendar time for `Date` headers and for judging the times that a mint asks for. Its
  /// monotonic time is not used: that comes from the event loop.
  public var clock: any EngineClock = SystemClock()
  /// Is told what happens, on the server's event loop: it must be quick and must not block. Nothing it
  /// is told contains a secret. Default nil.
  public var observer: (@Sendable (ServerEvent) -> Void)?

  /// The documented defaults.
  public init() {}
}

/// With what a server proves who it is.
public enum ServerIdentity: Sendable, Hashable {
  /// Paths of two PEM files: the certificate chain, the leaf first, and its private key.
  case files(certificateChain: String, privateKey: String)
  /// The contents of such files.
  case pem(certificateChain: String, privateKey: Secret)
}

/// What bounds a server's memory and patience.
public struct ServerLimits: Sendable, Hashable {
  /// The largest client message in bytes, fragments together; a larger one is refused with close
  /// code 1009. Default 8 MiB; the real limit is unknown [B.3].
  public var messageBytes = 8 << 20
  /// The largest body of an HTTP request in bytes; a larger one is refused with 413. Default 1 MiB.
  public var bodyBytes = 1 << 20
  /// How many bytes may wait for a client that does not read, before its connection is cut.
  /// Default 4 MiB.
  public var outboundBytes = 4 << 20
  /// Connections at one time; one more is closed at once. Default 100,000.
  public var connections = 100_000
  /// How long a connection may take for TLS and for a whole request, and stay idle between two
  /// requests. Default 10 s.
  public var requestPatience: Duration = .seconds(10)

  /// The documented defaults.
  public init() {}
}

/// Switches for what is in dispute (live-api.md, H) or differs between versions. Further ones are in
/// ``CredentialRules``, ``SessionRules`` and ``ServiceConfiguration/prettyPrinted``.
public struct ServerVariants: Sendable, Hashable {
  /// Whether version `v1` exists, for minting and for the socket. Default false: 404 [A.1].
  public var servesV1 = false
  /// Whether server messages travel in text frames. Default false: binary ones [B.3].
  public var sendsTextFrames = false
  /// Whether a token may come in a header rather than as `?access_token=`. Default true, as
  /// documented; one measurement found it refused [B.2].
  public var takesTokensInHeaders = true

  /// The documented defaults.
  public init() {}
}

/// Faults of the network in front of the service, drawn from the server's seed.
public struct ServerFaults: Sendable, Hashable {
  /// Share of connections (0 to 1) that are accepted and on which TLS never begins. Without TLS, on
  /// which no request is ever read.
  public var stalledConnects = 0.0
  /// Share of upgrades that are read and never answered.
  public var stalledUpgrades = 0.0
  /// Share of server messages that are sent in several fragments, pings between them.
  public var splitMessages = 0.0
  /// Share of server messages that TCP cuts anywhere, in a frame's header too: the rest comes 5 ms
  /// later, in one piece with all that follows meanwhile.
  public var tornMessages = 0.0

  /// No faults.
  public init() {}
}
#endif
