// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// What a network asks of the service at its far end: a value that is told what arrived and when,
/// and says what it sends back.
///
/// A network calls it for one event at a time, never with a time earlier than before.
public protocol EmulatedService: Sendable {
  /// A mint request has arrived; the answer goes back at once.
  mutating func mint(
    credential: Credential?, body: [UInt8], at instant: EngineInstant, wallTime: WallTime
  ) -> MintAnswer

  /// A WebSocket upgrade has arrived on a new connection.
  mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, at instant: EngineInstant
  ) -> UpgradeAnswer

  /// The same, with the API version in its path. This is what a network calls.
  mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, version: String, at instant: EngineInstant
  ) -> UpgradeAnswer

  /// A whole message has arrived. The bytes are valid only during the call.
  mutating func received(
    _ connection: ConnectionID, _ payload: UnsafeRawBufferPointer, at instant: EngineInstant)

  /// A close frame has arrived: the peer's own, or its answer to the service's.
  mutating func closeReceived(
    _ connection: ConnectionID, code: UInt16?, reason: String, at instant: EngineInstant)

  /// A ping has arrived. Answers whether a pong goes back; how late it is, the network decides.
  mutating func pingReceived(_ connection: ConnectionID, at instant: EngineInstant) -> Bool

  /// The connection ended without a close frame.
  mutating func disconnected(_ connection: ConnectionID, at instant: EngineInstant)

  /// Time has come to `instant`: what was due until then is done.
  mutating func advance(to instant: EngineInstant)

  /// When it next wants to be told that time has passed; nil if nothing is due.
  var nextDeadline: EngineInstant? { get }

  /// The network lets nothing pass any more on this connection, and has told nobody: what its client
  /// cannot know is not held against it.
  mutating func markUnreachable(_ connection: ConnectionID)

  /// Moves what is to be sent and done to the end of `outputs`, in order.
  mutating func takeOutputs(into outputs: inout [ServiceOutput])
}

extension EmulatedService {
  /// Answers as if no version had been named: for a service that speaks of none.
  public mutating func upgrade(
    _ connection: ConnectionID, credential: Credential?, version: String, at instant: EngineInstant
  ) -> UpgradeAnswer {
    upgrade(connection, credential: credential, at: instant)
  }

  /// Does nothing: a service that holds nothing against its clients has nothing to excuse.
  public mutating func markUnreachable(_ connection: ConnectionID) {}

  /// Answers every ping.
  public mutating func pingReceived(_ connection: ConnectionID, at instant: EngineInstant) -> Bool {
    true
  }
}

extension LiveService: EmulatedService {}

extension NetworkFabric {
  /// Gives the service as what it is. `Service` must be its type.
  mutating func withService<Service: EmulatedService, R>(
    as type: Service.Type, _ body: (inout Service) -> R
  ) -> R {
    Self.open(&service, body)
  }

  /// Changes the service in place: a cast would copy all that it holds.
  private static func open<Actual: EmulatedService, Service: EmulatedService, R>(
    _ service: inout Actual, _ body: (inout Service) -> R
  ) -> R {
    precondition(Actual.self == Service.self, "The network was made with another service.")
    return withUnsafeMutablePointer(to: &service) { pointer in
      body(&UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Service.self).pointee)
    }
  }
}
