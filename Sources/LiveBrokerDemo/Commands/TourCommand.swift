// SPDX-License-Identifier: Apache-2.0

import LiveEmulator

/// Carries many sessions through every limit of the service, and proves that nothing was lost.
struct TourCommand: DemoCommand {
  static let name = "tour"
  static let summary = "many sessions, carried through every limit of the service and one storm"
  static var flagLines: [String] { TourOptions.flags.helpLines }

  let options: TourOptions

  init(arguments: ArraySlice<String>) throws(UsageError) {
    options = try TourOptions(arguments: arguments)
  }

  func run() async -> ExitStatus {
    let recording: Recording?
    do throws(RecordingError) {
      recording = try Recording.load(options.speech)
    } catch {
      Console.complain("--audio: \(error)")
      return .usage
    }
    let trace: TraceFile?
    do throws(OutputFileError) {
      trace = try options.traceFile.map { path throws(OutputFileError) in try TraceFile(path: path)
      }
    } catch {
      Console.complain("\(error)")
      return .cannotCreate
    }
    guard let report = await drive(recording, trace) else { return .software }
    do throws(OutputFileError) {
      try trace?.close()
    } catch {
      Console.complain("\(error)")
      return .cannotCreate
    }
    Console.say(report.text(asJSON: options.printsJSON))
    return report.status
  }

  /// The run itself; nil if it could not be made.
  private func drive(_ recording: Recording?, _ trace: TraceFile?) async -> TourReport? {
    let life = options.printsJSON ? nil : LifeRecorder()
    let tour = Tour(options, recording: recording) { bytes in
      trace?.write(bytes)
      life?.write(bytes)
    }
    let progress = TourProgress(options)
    do {
      let storm = try tour.run { progress.show(virtual: $0, live: $1) }
      tour.trace.flush()
      progress.finish()
      return TourReporter(
        tour: tour, storm: storm, wall: progress.wall, life: life
      ).report()
    } catch {
      progress.finish()
      Console.complain("the tour could not be finished: \(error)")
      return nil
    }
  }
}
