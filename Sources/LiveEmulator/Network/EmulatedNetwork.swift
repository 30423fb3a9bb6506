// SPDX-License-Identifier: Apache-2.0

public import LiveBroker
internal import Synchronization

/// A network in memory, in virtual time, with an emulated service at its far end.
///
/// It stands in for sockets, TLS and HTTP: a broker dials through it (``dial(_:)``) and mints
/// through it (``minter(apiKey:)``), and cannot tell the difference. A message takes half a round
/// trip, a dial three of them, a close one; what arrives at one instant is served in the order in
/// which it was sent, over all connections. What arrives for a client is given to its sink inside
/// the connection's executor, synchronously.
///
/// All methods may be called from anywhere in the simulation, and from outside between its runs.
public final class EmulatedNetwork<Service: EmulatedService>: CallbackTransport {
  private let hub: NetworkHub

  /// Makes a network in a simulation.
  ///
  /// - Parameters:
  ///   - simulation: Gives time and, with its seed, chance. It must outlive the network's use.
  ///   - service: The far end.
  ///   - configuration: Delays, limits and faults.
  ///   - trace: Is told every event; nil costs nothing.
  public init(
    simulation: Simulation, service: Service,
    configuration: NetworkConfiguration = NetworkConfiguration(), trace: Trace? = nil
  ) {
    let fabric = NetworkFabric(
      service: service, configuration: configuration, seed: simulation.makeSeed(), trace: trace)
    hub = NetworkHub(core: simulation.core, fabric: fabric)
  }

  /// What the network has seen so far.
  public var figures: NetworkFigures { hub.look { $0.figures } }

  /// Looks at the service, or changes it: its report, its faults. The closure must not call the
  /// network. What the service then wants sent goes out at once.
  public func withService<R: Sendable>(_ body: (inout Service) -> R) -> R {
    hub.change { fabric, now in
      let result = fabric.withService(as: Service.self, body)
      fabric.carryOut(at: now)
      return result
    }
  }

  /// Begins to look for ``NetworkFigures/peakUpgradesPerSecond`` anew.
  public func beginPeak() { hub.change { fabric, _ in fabric.beginPeak() } }

  // MARK: Faults by order

  /// Connections that are open at the service, the oldest first.
  public var openConnections: [ConnectionID] { hub.look { $0.openConnections } }

  /// Cuts all connections at once: the service knows now, each client half a round trip later.
  public func dropEverything() { hub.change { $0.cutEverything(at: $1) } }

  /// Cuts one connection without a close frame; does nothing if it is not open.
  public func drop(_ connection: ConnectionID) {
    hub.change { fabric, now in
      if let slot = fabric.slots[connection] { fabric.cut(slot, at: now) }
    }
  }

  /// Makes one connection half open: nothing passes any more, and nobody is told. The service
  /// notices after ``NetworkConfiguration/silenceDetection``.
  public func silence(_ connection: ConnectionID) {
    hub.change { fabric, now in
      if let slot = fabric.slots[connection] { fabric.silence(slot, at: now) }
    }
  }

  /// Cuts directions of the whole network, or heals it (`[]`). Dials that meet a partition end by
  /// their deadlines; what is under way on open connections waits, and goes on in order afterwards.
  public func partition(_ directions: NetworkPartition) {
    hub.change { $0.partitioned(directions, at: $1) }
  }

  /// Holds up one connection, as a lost packet or a full queue on the way does: what is sent on it
  /// from now on in these directions arrives in order, and not before `duration` has passed.
  public func stall(
    _ connection: ConnectionID, _ directions: NetworkPartition, for duration: Duration
  ) {
    hub.change { fabric, now in
      guard let slot = fabric.slots[connection] else { return }
      fabric.stall(slot, directions, for: duration.nanoseconds, at: now)
    }
  }

  // MARK: The client's side

  /// Begins to open a connection, which takes three round trips (two without TLS).
  package func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay {
    hub.beginDial(request, answer)
  }

  /// The face of this network that mints tokens with an API key. A mint takes one round trip and
  /// ``NetworkConfiguration/mintProcessing``.
  public func minter(apiKey: Secret) -> any TokenMinter {
    EmulatedMinter(apiKey: apiKey) { [hub] credential, body in
      await hub.mint(credential, body)
    }
  }
}
