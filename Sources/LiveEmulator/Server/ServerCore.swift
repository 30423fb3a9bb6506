// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore

/// The service's hands: one event loop on which sockets, timers and the service as a value meet.
///
/// Confined to its event loop: everything here is called there, synchronously, so the service sees
/// one event at a time and no lock is held for it.
final class ServerCore {
  let loop: any EventLoop
  let configuration: EmulatorServerConfiguration
  let gauge: ServerGauge
  private(set) var isDraining = false
  /// Where a message is unmasked; shared by all connections, one message at a time.
  var scratch: [UInt8] = []

  private var service: LiveService
  private var chance: SplitMix64
  private var taps: [ObjectIdentifier: SocketTap] = [:]
  private var sockets: [ConnectionID: LiveSocket] = [:]
  private var lastID: ConnectionID = 0
  private var upgradeRate = UpgradeRate()
  private var outputs: [ServiceOutput] = []
  private var unflushed: [LiveSocket] = []
  private var isSettling = false
  private let alarm: LoopTimer
  private let cutoff: LoopTimer
  private var waiting: DelayLine<(tap: SocketTap, wait: UInt32)>
  private var pongs: DelayLine<(socket: LiveSocket, data: ByteBuffer)>
  private var tears: DelayLine<LiveSocket>
  private var emptied: EventLoopPromise<Void>?

  init(loop: any EventLoop, configuration: EmulatorServerConfiguration, gauge: ServerGauge) {
    self.loop = loop
    self.configuration = configuration
    self.gauge = gauge
    var chance = SplitMix64(seed: configuration.seed)
    service = LiveService(configuration: configuration.service, seed: chance.next())
    self.chance = chance.split()
    alarm = LoopTimer(loop: loop, gauge: gauge)
    cutoff = LoopTimer(loop: loop, gauge: gauge)
    waiting = DelayLine(configuration.limits.requestPatience, loop: loop, gauge: gauge) { entry in
      guard entry.tap.isWaiting(entry.wait) else { return }
      gauge.change { $0.idleCut += 1 }
      entry.tap.cut()
    }
    pongs = DelayLine(configuration.service.connections.pongDelay, loop: loop, gauge: gauge) {
      $0.socket.pong($0.data)
    }
    tears = DelayLine(.milliseconds(5), loop: loop, gauge: gauge) { $0.mend() }
  }

  private var now: EngineInstant {
    EngineInstant(nanoseconds: Int64(clamping: loop.now.uptimeNanoseconds))
  }

  /// The service's own calendar time, for `Date` headers.
  var date: WallTime {
    configuration.clock.wallTime.advanced(by: configuration.service.clockSkew)
  }

  func tell(_ event: @autoclosure () -> ServerEvent) { configuration.observer?(event()) }

  /// Whether a fault of this share happens now. Nothing is drawn for one that is off.
  func draws(_ share: Double) -> Bool { chance.happens(share) }

  // MARK: Connections

  /// A TCP connection is there. False if there are too many; it is then closed at once.
  func opened(_ tap: SocketTap) -> Bool {
    gauge.change { $0.accepted += 1 }
    guard taps.count < configuration.limits.connections, !isDraining else {
      gauge.change { $0.turnedAway += 1 }
      return false
    }
    taps[ObjectIdentifier(tap)] = tap
    gauge.change { $0.connectionsOpen += 1 }
    return true
  }

  func closed(_ tap: SocketTap) {
    guard taps.removeValue(forKey: ObjectIdentifier(tap)) != nil else { return }
    gauge.change { $0.connectionsOpen -= 1 }
    if taps.isEmpty { emptied.take()?.succeed() }
  }

  /// From now on a whole request must come within the patience.
  func waits(_ tap: SocketTap) { waiting.add((tap, tap.beginWait())) }

  // MARK: HTTP

  func mint(_ credential: Credential?, _ body: [UInt8]) -> MintAnswer {
    let answer = service.mint(
      credential: credential, body: body, at: now, wallTime: configuration.clock.wallTime)
    settle()
    return answer
  }

  /// Asks the service about an upgrade. What it wants done on the connection waits until the socket
  /// is there: see ``attach(_:)``.
  func upgrade(
    _ credential: Credential?, version: String
  ) -> (id: ConnectionID, answer: UpgradeAnswer) {
    lastID += 1
    upgradeRate.add(at: now)
    gauge.change { $0.peakUpgradesPerSecond = upgradeRate.peakPerSecond }
    let answer = service.upgrade(lastID, credential: credential, version: version, at: now)
    return (lastID, answer)
  }

  /// The connection of an accepted upgrade speaks WebSocket now.
  func attach(_ socket: LiveSocket) {
    sockets[socket.id] = socket
    gauge.change { $0.socketsOpen += 1 }
    settle()
  }

  /// Upgrades asked for, up to this moment.
  var upgradesUntilNow: UpgradeRate {
    upgradeRate.advance(to: now)
    return upgradeRate
  }

  /// Looks at the service, for reports.
  func look<R>(_ body: (borrowing LiveService) -> R) -> R { body(service) }

  /// Changes the service, then performs what it wants done.
  func change<R>(_ body: (inout LiveService, EngineInstant) -> R) -> R {
    let result = body(&service, now)
    settle()
    return result
  }

  // MARK: Sockets

  func received(_ id: ConnectionID, _ message: UnsafeRawBufferPointer) {
    gauge.change { $0.messagesIn += 1 }
    service.received(id, message, at: now)
    settle()
  }

  func pinged(_ socket: LiveSocket, _ data: ByteBuffer) {
    gauge.change { $0.pings += 1 }
    guard service.pingReceived(socket.id, at: now) else { return settle() }
    if configuration.service.connections.pongDelay > .zero {
      // Their answers wait here, and one may answer for several pings (RFC 6455, 5.5.3).
      if socket.mayOwePong() {
        pongs.add((socket, ByteBuffer(buffer: data)))
      } else {
        gauge.change { $0.pingsLeftOut += 1 }
      }
    } else {
      socket.pong(data)
    }
    settle()
  }

  func closeReceived(_ id: ConnectionID, code: UInt16?, reason: String) {
    service.closeReceived(id, code: code, reason: reason, at: now)
    settle()
  }

  /// The socket broke a rule of the protocol and is being closed for it.
  func violated(_ id: ConnectionID, code: UInt16, what: String) {
    gauge.change { $0.violations += 1 }
    tell(.violation(id, code: code, what: what))
    service.disconnected(id, at: now)
    settle()
  }

  func isSlow(_ id: ConnectionID, bytes: Int) {
    gauge.change { $0.slowClientsCut += 1 }
    tell(.slowClientCut(id, bytes: bytes))
  }

  func detached(_ id: ConnectionID) {
    guard sockets.removeValue(forKey: id) != nil else { return }
    gauge.change { $0.socketsOpen -= 1 }
    tell(.gone(id))
    service.disconnected(id, at: now)
    settle()
  }

  // MARK: Performing

  /// Performs what the service wants done, in order, then sets its alarm. What happens meanwhile is
  /// told to the service at once and performed in a further round.
  private func settle() {
    guard !isSettling else { return }
    isSettling = true
    service.takeOutputs(into: &outputs)
    while !outputs.isEmpty {
      var round: [ServiceOutput] = []
      swap(&round, &outputs)
      for output in round { perform(output) }
      for socket in unflushed { socket.flush() }
      unflushed.removeAll(keepingCapacity: true)
      round.removeAll(keepingCapacity: true)
      outputs = round
      service.takeOutputs(into: &outputs)
    }
    isSettling = false
    arm()
  }

  private func perform(_ output: ServiceOutput) {
    switch output {
    case .send(let id, let message):
      guard let socket = sockets[id] else { return }
      gauge.change { $0.messagesOut += 1 }
      let isSplit = draws(configuration.faults.splitMessages)
      let isCut = draws(configuration.faults.tornMessages)
      let wasTorn = socket.isTorn
      if socket.send(message, split: isSplit, tornAt: isCut ? chance.unit() : nil) {
        unflushed.append(socket)
      }
      if !wasTorn, socket.isTorn { tears.add(socket) }
    case .close(let id, let code, let reason): sockets[id]?.close(code: code, reason: reason)
    case .drop(let id):
      // What was sent before is on its way.
      sockets[id]?.flush()
      sockets[id]?.cut()
    case .note(let note): tell(.service(note))
    }
  }

  private func arm() {
    guard let next = service.nextDeadline else { return alarm.cancel() }
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(clamping: next.nanoseconds))
    if let armed = alarm.deadline, armed <= deadline { return }
    alarm.set(deadline) {
      self.service.advance(to: self.now)
      self.settle()
    }
  }

  // MARK: The end

  /// Takes in nothing new, tells every session goAway, and cuts after `timeLeft` and a little more
  /// what has not left.
  func drain(timeLeft: Duration) {
    guard !isDraining else { return }
    isDraining = true
    tell(.draining(open: sockets.count))
    for tap in waitingTaps { tap.cut() }
    service.announceEnd(timeLeft: timeLeft, at: now)
    settle()
    cutoff.set(loop.now + .nanoseconds(max(0, timeLeft.nanoseconds)) + .seconds(2)) {
      self.cutEverything()
    }
  }

  func cutEverything() {
    for tap in inOrder(taps.values.map { $0 }) { tap.cut() }
  }

  /// Is fulfilled once no connection is left.
  var whenEmpty: EventLoopFuture<Void> {
    if taps.isEmpty { return loop.makeSucceededVoidFuture() }
    let promise = emptied ?? loop.makePromise()
    emptied = promise
    return promise.futureResult
  }

  /// Takes in nothing new from now on.
  func refuseNew() { isDraining = true }

  /// Lets go of every timer; nothing may be called afterwards.
  func stop() {
    alarm.cancel()
    cutoff.cancel()
    waiting.removeAll()
    pongs.removeAll()
    tears.removeAll()
  }

  private var waitingTaps: [SocketTap] { inOrder(taps.values.filter(\.isWaiting)) }

  private func inOrder(_ taps: [SocketTap]) -> [SocketTap] {
    taps.sorted { $0.number < $1.number }
  }
}
#endif
