// harness: hnswlib behind a pipe, so that it can be measured in turns with an index of ours. One command a line on standard input, one answer a line on
// standard output; an answer begins with "ok" or "error".
//
//   version                        ok VERSION INSTRUCTIONS
//   base FILE                      ok COUNT DIMENSION           vectors to index
//   queries FILE                   ok COUNT DIMENSION           vectors to ask for
//   build M EF_CONSTRUCTION N      ok CPU_SECONDS WALL_SECONDS  with N threads, all rows in order, the seed at its default
//   save FILE                      ok BYTES                     the library's own format
//   open FILE                      ok
//   search EF K FILE               ok CPU_SECONDS               every query once, one thread; rows found go to FILE as uint32, K a query,
//                                                               nearest first, 4294967295 where there were fewer. "-": to no file
//   memory                         ok BYTES                     what the library allocates per row, links of upper layers included, times rows
//
// A file of vectors: dimension and count as uint32, then float32 components, little-endian, row after row.
//
// CPU of a build is the process's, user and system; of a search the thread's, without the writing of the file. Nothing here is tuned: the calls
// are those of the library's own examples, compiled with -O3 -march=native.

#include <hnswlib/hnswlib.h>
#include <sys/resource.h>
#include <time.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#ifndef HNSWLIB_VERSION
#define HNSWLIB_VERSION "unknown"
#endif

struct Vectors {
    uint32_t dimension = 0, count = 0;
    std::vector<float> components;

    const float *row(size_t i) const { return components.data() + i * dimension; }

    void read(const std::string &file) {
        std::unique_ptr<FILE, int (*)(FILE *)> in(fopen(file.c_str(), "rb"), fclose);
        if (!in) throw std::runtime_error("cannot open " + file);
        if (fread(&dimension, 4, 1, in.get()) != 1 || fread(&count, 4, 1, in.get()) != 1) throw std::runtime_error("no header in " + file);
        components.resize(size_t(dimension) * count);
        if (fread(components.data(), sizeof(float), components.size(), in.get()) != components.size()) throw std::runtime_error(file + " is too short");
    }
};

static double processCpu() {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double threadCpu() {
    timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double wall() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

static const char *instructions() {
#if defined(USE_AVX512)
    return AVX512Capable() ? "avx512" : "avx";
#elif defined(USE_AVX)
    return "avx";
#else
    return "sse";
#endif
}

class Harness {
    Vectors base, queries;
    std::unique_ptr<hnswlib::L2Space> space;
    std::unique_ptr<hnswlib::HierarchicalNSW<float>> index;

    std::string build(size_t m, size_t ef, int threads) {
        index.reset();
        auto cpu = processCpu(), began = wall();
        space.reset(new hnswlib::L2Space(base.dimension));
        index.reset(new hnswlib::HierarchicalNSW<float>(space.get(), base.count, m, ef));
        std::atomic<size_t> next{0};
        auto work = [&] {
            for (size_t i; (i = next.fetch_add(1)) < base.count;) index->addPoint(base.row(i), i);
        };
        // The first row alone: the library wants an entry point before several threads insert.
        index->addPoint(base.row(next.fetch_add(1)), 0);
        std::vector<std::thread> others;
        for (int i = 1; i < threads; i++) others.emplace_back(work);
        work();
        for (auto &other : others) other.join();
        std::ostringstream answer;
        answer << "ok " << processCpu() - cpu << " " << wall() - began;
        return answer.str();
    }

    std::string search(size_t ef, size_t k, const std::string &file) {
        index->setEf(ef);
        std::vector<uint32_t> found(queries.count * k, UINT32_MAX);
        auto cpu = threadCpu();
        for (size_t q = 0; q < queries.count; q++) {
            auto results = index->searchKnn(queries.row(q), k);
            for (auto i = results.size(); i-- > 0; results.pop()) found[q * k + i] = uint32_t(results.top().second);
        }
        cpu = threadCpu() - cpu;
        if (file != "-") {
            std::ofstream out(file, std::ios::binary);
            out.write(reinterpret_cast<const char *>(found.data()), std::streamsize(found.size() * sizeof(uint32_t)));
            if (!out.good()) throw std::runtime_error("cannot write " + file);
        }
        std::ostringstream answer;
        answer.precision(9);
        answer << "ok " << cpu;
        return answer.str();
    }

    std::string memory() {
        size_t bytes = index->max_elements_ * (index->size_data_per_element_ + sizeof(void *) + sizeof(int) + sizeof(std::mutex));
        for (size_t i = 0; i < index->cur_element_count; i++)
            if (index->element_levels_[i] > 0) bytes += index->size_links_per_element_ * index->element_levels_[i] + 1;
        return "ok " + std::to_string(bytes);
    }

public:
    std::string run(const std::string &line) {
        std::istringstream words(line);
        std::string command, file;
        size_t m = 0, ef = 0, k = 0;
        int threads = 1;
        words >> command;
        if (command == "version") return std::string("ok ") + HNSWLIB_VERSION + " " + instructions();
        if (command == "base" || command == "queries") {
            words >> file;
            auto &vectors = command == "base" ? base : queries;
            vectors.read(file);
            return "ok " + std::to_string(vectors.count) + " " + std::to_string(vectors.dimension);
        }
        if (command == "build") {
            if (base.count == 0) throw std::runtime_error("nothing to build from");
            words >> m >> ef >> threads;
            return build(m, ef, threads);
        }
        if (command == "open") {
            words >> file;
            space.reset(new hnswlib::L2Space(base.dimension));
            index.reset(new hnswlib::HierarchicalNSW<float>(space.get(), file));
            return "ok";
        }
        if (!index) throw std::runtime_error("there is no index yet");
        if (command == "save") {
            words >> file;
            index->saveIndex(file);
            return "ok " + std::to_string(std::ifstream(file, std::ios::ate | std::ios::binary).tellg());
        }
        if (command == "search") {
            words >> ef >> k >> file;
            return search(ef, k, file);
        }
        if (command == "memory") return memory();
        throw std::runtime_error("no such command: " + command);
    }
};

int main() {
    Harness harness;
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << harness.run(line) << std::endl;
        } catch (const std::exception &e) {
            std::cout << "error " << e.what() << std::endl;
        }
    }
}
