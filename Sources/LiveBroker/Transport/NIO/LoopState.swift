// SPDX-License-Identifier: Apache-2.0

#if NIO
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Who wants to be told that a deadline has passed. Called on the loop.
protocol DeadlineOwner: AnyObject {
  func deadlinePassed()
}

/// What all connections of one event loop share: their deadlines, the source of their masks,
/// and what their upgrades have in common.
///
/// A connection has at most one deadline at a time, and most never fire; a wheel makes setting and
/// moving them free of allocations, and the loop holds one callback for all.
final class LoopState: @unchecked Sendable {
  // Unchecked: everything but the counters is touched only on `loop`.
  let loop: any EventLoop
  /// Sockets that are open or being opened; readable from anywhere.
  let sockets = Atomic(0)
  /// Dials that have not been answered; readable from anywhere.
  let dials = Atomic(0)
  /// Deadlines that are set; readable from anywhere.
  let deadlines = Atomic(0)
  /// Pings that were not answered; readable from anywhere.
  let pongsDropped = Atomic(0)
  private var wheel = TimerWheel()
  private var owners: [(any DeadlineOwner)?] = []
  private var freeSlots: [UInt32] = []
  private var due: [UInt32] = []
  private var armedAt = EngineInstant.never
  private var callback: NIOScheduledCallback?
  var entropy = Entropy()
  /// What the upgrades to one endpoint have in common; nearly all of a loop's go to one.
  private var template: UpgradeTemplate?
  /// Whether the host that was dialed last is an address, and which.
  private var literal: (host: String, port: Int, address: SocketAddress?)?
  /// One for all dials; its initialiser prepares the channel of the dial that is `connecting`.
  private lazy var bootstrap = makeBootstrap()
  private var connecting: NIODial?

  init(_ loop: any EventLoop) { self.loop = loop }

  /// Number of deadlines that are set. For tests.
  var deadlineCount: Int { wheel.count }

  /// Calls `owner` after `duration`; the slot is given back to ``disarm(_:)`` or by the call.
  func arm(_ owner: any DeadlineOwner, in duration: Duration) -> UInt32 {
    let slot = freeSlots.popLast() ?? UInt32(owners.count)
    if slot == owners.count { owners.append(owner) } else { owners[Int(slot)] = owner }
    deadlines.add(1, ordering: .relaxed)
    wheel.arm(slot, at: SystemClock().now.advanced(by: duration))
    wakeInTime()
    return slot
  }

  func disarm(_ slot: UInt32) {
    guard slot < owners.count, owners[Int(slot)] != nil else { return }
    wheel.disarm(slot)
    free(slot)
  }

  private func free(_ slot: UInt32) {
    owners[Int(slot)] = nil
    freeSlots.append(slot)
    deadlines.subtract(1, ordering: .relaxed)
  }

  private func wakeInTime() {
    guard let next = wheel.nextDeadline, next < armedAt else { return }
    armedAt = next
    callback?.cancel()
    let delay = max(0, SystemClock().now.duration(to: next).nanoseconds)
    callback = try? loop.scheduleCallback(in: .nanoseconds(delay), handler: self)
  }

  /// What an upgrade of this kind needs that is the same each time.
  func template(
    _ endpoint: LiveEndpoint, _ credential: Credential,
    extraHeaders: [NIOTransportConfiguration.Header]
  ) throws(TransportError) -> UpgradeTemplate {
    if let template, template.fits(endpoint, credential) { return template }
    let made = try UpgradeTemplate(endpoint, credential, extraHeaders: extraHeaders)
    template = made
    return made
  }
}

extension LoopState {
  /// The address that `host` is if it is no name. Asked for one host most of the time, so the answer
  /// is kept.
  func literalAddress(_ host: String, port: Int) -> SocketAddress? {
    if let literal, literal.port == port, literal.host == host { return literal.address }
    let address = try? SocketAddress(ipAddress: host, port: port)
    literal = (host, port, address)
    return address
  }

  /// Opens a channel, and has `dial` prepare it. The outcome is told on the loop.
  func connect(
    _ dial: NIODial, to address: SocketAddress, within time: Duration
  ) -> EventLoopFuture<any Channel> {
    connecting = dial
    defer { connecting = nil }
    return bootstrap.connectTimeout(.nanoseconds(max(1, time.nanoseconds))).connect(to: address)
  }

  private func makeBootstrap() -> ClientBootstrap {
    ClientBootstrap(group: loop).channelInitializer { [weak self] channel in
      channel.eventLoop.makeCompletedFuture {
        // On its own loop a bootstrap calls this before `connect` returns.
        guard let dial = self?.connecting else { throw ChannelError.inappropriateOperationForState }
        try dial.prepare(channel)
      }
    }
  }
}

extension LoopState: NIOScheduledCallbackHandler {
  func handleScheduledCallback(eventLoop: some EventLoop) {
    let now = SystemClock().now
    armedAt = .never
    callback = nil
    wheel.advance(to: now, into: &due)
    var slots: [UInt32] = []
    swap(&slots, &due)
    for slot in slots {
      // An owner called before may have taken this one's deadline back.
      guard wheel.deadline(of: slot) == nil, let owner = owners[Int(slot)] else { continue }
      free(slot)
      owner.deadlinePassed()
    }
    slots.removeAll(keepingCapacity: true)
    swap(&slots, &due)
    wakeInTime()
  }
}
#endif
