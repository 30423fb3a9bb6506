// SPDX-License-Identifier: Apache-2.0

/// What an emulated network has seen from outside of both ends.
public struct NetworkFigures: Sendable, Hashable {
  /// Dials begun by clients.
  public internal(set) var dials: UInt64 = 0
  /// Dials that failed before an upgrade reached the service, cancelled ones included.
  public internal(set) var dialsFailed: UInt64 = 0
  /// Dials that clients gave up before they had an outcome, however far they had come.
  public internal(set) var dialsCancelled: UInt64 = 0
  /// Upgrades that reached the service.
  public internal(set) var upgradesSeen: UInt64 = 0
  /// Upgrades that the service refused.
  public internal(set) var upgradesRefused: UInt64 = 0
  /// Upgrades that the service accepted.
  public internal(set) var upgradesAccepted: UInt64 = 0
  /// The most upgrades that reached the service within any one second.
  public internal(set) var peakUpgradesPerSecond = 0
  /// Sockets that the service counts as open.
  public internal(set) var openSockets = 0
  /// The most sockets that were open at a time.
  public internal(set) var peakOpenSockets = 0
  /// Mint requests that reached the service.
  public internal(set) var mintsSeen: UInt64 = 0
  /// Messages that the service received.
  public internal(set) var framesToService: UInt64 = 0
  /// Bytes of the messages that the service received.
  public internal(set) var bytesToService: UInt64 = 0
  /// Messages that clients received.
  public internal(set) var framesToClient: UInt64 = 0
  /// Bytes of the messages that clients received.
  public internal(set) var bytesToClient: UInt64 = 0
  /// Messages sent by clients that never reached the service.
  public internal(set) var framesLostToService: UInt64 = 0
  /// Bytes of the messages that never reached the service.
  public internal(set) var bytesLostToService: UInt64 = 0
  /// Messages sent by the service that never reached a client.
  public internal(set) var framesLostToClient: UInt64 = 0
  /// Bytes of the messages that never reached a client.
  public internal(set) var bytesLostToClient: UInt64 = 0
  /// Pings that reached the service's edge.
  public internal(set) var pings: UInt64 = 0
  /// Connections that ended without a close frame of either side.
  public internal(set) var connectionsLost: UInt64 = 0
  /// Connections cut because their client did not read.
  public internal(set) var slowClientsCut: UInt64 = 0

  /// Figures before anything happened.
  public init() {}
}
